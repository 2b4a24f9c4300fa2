"""The correlation filter against NumPy's own Fourier transforms, and on what it is for."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tracker_ros.networks.blocks.filter import CorrelationFilter  # noqa: E402

CELLS, STRIDE, TARGET, LEVELS, SIGMA, RIDGE = 12, 8, 4.0, (3, 5, 4), 0.1, 1e-2


@pytest.fixture
def filter():
    return CorrelationFilter(CELLS, STRIDE, TARGET, LEVELS, SIGMA, RIDGE)


def levels(seed=0, batch=2):
    chance = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(batch, channels, cells, cells, generator=chance)
        for channels, cells in ((3, 24), (5, 12), (4, 6))
    )


def rolled(parts, rows, columns):
    """The same picture, moved by whole cells of the coarsest level."""
    return tuple(
        torch.roll(part, (rows * part.shape[2] // 6, columns * part.shape[3] // 6), (2, 3))
        for part in parts
    )


def as_complex(spectrum):
    """[B, h, n, 2·D] → [B, D, h, n]."""
    real, imaginary = spectrum.permute(0, 3, 1, 2).chunk(2, 1)
    return real.numpy() + 1j * imaginary.numpy()


def rfft2(x):
    """NumPy's, the half spectrum along y: [B, D, n, n] → [B, D, h, n]."""
    return np.fft.rfft2(x.numpy(), axes=(3, 2))


@pytest.mark.parametrize("cells", [11, 12, 16, 20])
def test_spectra_are_those_of_an_fft(cells):
    x = torch.randn(2, 3, cells, cells, generator=torch.Generator().manual_seed(1))
    ours = as_complex(CorrelationFilter(cells, STRIDE, TARGET, LEVELS).spectrum(x))
    assert np.abs(ours - rfft2(x)).max() < 1e-4


@pytest.mark.parametrize("cells", [11, 12])
def test_learning_and_answering_are_ridge_regression(cells):
    """Σ Y·conj(X)·Z / (Σ |X|² + λ), with a Gaussian Y at the box's centre, by NumPy's FFT."""
    filter = CorrelationFilter(cells, STRIDE, TARGET, LEVELS, SIGMA, RIDGE)
    boxes = torch.tensor([[30.0, 36.0, 20.0, 12.0], [44.0, 20.0, 24.0, 24.0]])
    learned = filter.learn(filter.transform(levels(0)), boxes)
    answer = filter.respond(filter.transform(levels(7)), *learned)[:, 0].numpy()
    x, z = (rfft2(filter.features(levels(seed))) for seed in (0, 7))
    for i, (left, top, w, h) in enumerate(boxes.numpy()):
        # A Gaussian around cell 0, moved to the box's centre by the shift theorem.
        gap = np.minimum(np.arange(cells), cells - np.arange(cells)) / (SIGMA * TARGET)
        bump = np.exp(-0.5 * (gap[:, None] ** 2 + gap**2))
        row, column = (top + h / 2) / STRIDE - 0.5, (left + w / 2) / STRIDE - 0.5
        down, across = np.fft.rfftfreq(cells)[:, None], np.fft.fftfreq(cells)
        y = np.fft.rfft2(bump, axes=(1, 0)) * np.exp(-2j * np.pi * (down * row + across * column))
        quotient = (y * x[i].conj() * z[i]).sum(0) / ((np.abs(x[i]) ** 2).sum(0) + RIDGE)
        wanted = np.fft.irfft2(quotient, s=(cells, cells), axes=(1, 0))
        assert np.abs(answer[i] - wanted).max() < 1e-4


def test_what_was_learned_is_found_where_it_was(filter):
    boxes = torch.tensor([[28.0, 36.0, 32.0, 32.0]])  # its middle is that of cell (6, 5)
    seen = filter.transform(levels(3, batch=1))
    answer = filter.respond(seen, *filter.learn(seen, boxes))[0, 0]
    assert np.unravel_index(int(answer.argmax()), answer.shape) == (6, 5)
    assert answer.max() == pytest.approx(1, abs=0.02)


def test_the_answer_moves_with_the_target(filter):
    filter.window.fill_(1.0)  # under a cosine window the rim would count less after the move
    boxes = torch.tensor([[28.0, 36.0, 32.0, 32.0]])
    seen = levels(3, batch=1)
    # Bilinear enlargement of the coarse level does not wrap around the rim.
    seen = (seen[0], seen[1], torch.zeros_like(seen[2]))
    learned = filter.learn(filter.transform(seen), boxes)
    answer = filter.respond(filter.transform(rolled(seen, -1, 2)), *learned)[0, 0]
    assert np.unravel_index(int(answer.argmax()), answer.shape) == (4, 9)


def test_another_picture_gets_a_weak_answer(filter):
    boxes = torch.tensor([[28.0, 36.0, 32.0, 32.0]])
    learned = filter.learn(filter.transform(levels(3, batch=1)), boxes)
    assert filter.respond(filter.transform(levels(4, batch=1)), *learned).max() < 0.4


def test_every_level_weighs_the_same_and_has_no_mean(filter):
    filter.window.fill_(1.0)
    x = filter.features(
        tuple(part * scale + 5 for part, scale in zip(levels(), (1, 50, 0.1), strict=True))
    )
    assert x.shape == (2, 12, CELLS, CELLS)
    assert x.mean((2, 3)).abs().max() < 1e-4
    energies = [part.square().sum((1, 2, 3)) for part in x.split([3, 5, 4], 1)]
    assert torch.stack(energies).std() / torch.stack(energies).mean() < 1e-3

import numpy as np
import pytest

from tracker_ros.core.online import classifier
from tracker_ros.core.online.classifier import FIRST, KERNEL, RIDGE, SAMPLES, Classifier, label

CELLS, CHANNELS = 16, 6


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


TARGET = 3 * noise(CHANNELS, 5, 5)


def scene(x=0, y=0, seed=1):
    """Features with the target x, y whole cells from half a cell after the middle."""
    features = 0.3 * noise(CHANNELS, CELLS, CELLS, seed=seed)
    top, left = CELLS // 2 - 2 + y, CELLS // 2 - 2 + x
    features[:, top : top + 5, left : left + 5] += TARGET
    return features


def started(views=1):
    places = [(0, 0), (2, -1), (-3, 1)][:views]
    features = np.stack([scene(*place, seed=10 + i) for i, place in enumerate(places)])
    return Classifier.start(features, [(x + 0.5, y + 0.5) for x, y in places])


def dense(samples, wanted, weights):
    """The kernel of ridge regression with circular convolution, every product written out."""
    size = KERNEL // 2
    reach = range(-size, size + 1)
    shifts = [(y, x) for y in reach for x in reach]
    left, right = 0, 0
    for sample, label_, weight in zip(samples, wanted, weights, strict=True):
        moved = [np.roll(channel, s, (0, 1)).ravel() for channel in sample for s in shifts]
        matrix = np.stack(moved, 1).astype(np.float64)
        left = left + weight * matrix.T @ matrix
        right = right + weight * matrix.T @ label_.ravel()
    solution = np.linalg.solve(left + RIDGE * np.eye(len(right)), right)
    return solution.reshape(samples.shape[1], -1)


def answer(features, kernel):
    size = KERNEL // 2
    kernels = kernel.reshape(-1, KERNEL, KERNEL)
    return sum(
        kernels[d, y + size, x + size] * np.roll(features[d], (y, x), (0, 1))
        for d in range(len(features))
        for y in range(-size, size + 1)
        for x in range(-size, size + 1)
    )


@pytest.mark.parametrize("cells", [8, 9, 16])
def test_many_steps_lead_to_the_ridge_regression(monkeypatch, cells):
    monkeypatch.setattr(classifier, "FIRST_STEPS", 300)
    features = noise(2, 2, cells, cells)
    centres = [(0.3, -0.6), (-1.2, 1.0)]
    learned = Classifier.start(features, centres)
    expected = dense(features, [label(cells, *c) for c in centres], [0.5, 0.5])
    np.testing.assert_allclose(learned.kernel, expected, atol=1e-5)
    other = noise(2, cells, cells, seed=5)
    np.testing.assert_allclose(learned.respond(other), answer(other, expected), atol=1e-4)


def test_a_later_sample_counts_as_much_as_its_weight(monkeypatch):
    features, later = noise(2, 2, 8, 8), noise(2, 8, 8, seed=7)
    start = Classifier.start(features, [(0, 0), (1, 0)])
    monkeypatch.setattr(classifier, "STEPS", 300)
    learned = start.learn(later, (0, 1), 0.4)
    labels = [label(8, *c) for c in [(0, 0), (1, 0), (0, 1)]]
    expected = dense(np.concatenate([features, later[None]]), labels, [0.3, 0.3, 0.4])
    np.testing.assert_allclose(learned.kernel, expected, atol=1e-5)


def test_the_usual_steps_come_close_to_the_regression():
    features = np.stack([scene()])
    expected = answer(features[0], dense(features, [label(CELLS, 0.5, 0.5)], [1]))
    found = Classifier.start(features, [(0.5, 0.5)]).respond(features[0])
    assert np.abs(found - expected).max() < 0.1


@pytest.mark.parametrize("place", [(0, 0), (3, 0), (0, -4), (-4, 3)])
def test_the_peak_is_where_the_target_moved(place):
    response = started(3).respond(scene(*place, seed=99))
    assert response.shape == (CELLS, CELLS) and response.dtype == np.float32
    row, column = np.unravel_index(response.argmax(), response.shape)
    assert (column - CELLS // 2, row - CELLS // 2) == place
    assert response.max() > 0.7


def test_there_is_no_peak_without_the_target():
    learned = started(3)
    background = 0.3 * noise(CHANNELS, CELLS, CELLS, seed=99)
    assert learned.respond(background).max() < 0.5 * learned.respond(scene(seed=99)).max()


def test_learning_leaves_the_old_one_as_it_was():
    old = started(2)
    parts = "samples", "wanted", "weights", "kernel"
    before = {part: getattr(old, part).copy() for part in parts}
    response = old.respond(scene())
    new = old.learn(scene(1, 1, seed=3), (1.5, 1.5), 0.1)
    for part in parts:
        np.testing.assert_array_equal(getattr(old, part), before[part])
        assert not np.array_equal(getattr(new, part), before[part]), part
    np.testing.assert_array_equal(old.respond(scene()), response)


def test_a_target_that_changes_is_learned():
    changed = 3 * noise(CHANNELS, 5, 5, seed=52)
    middle = CELLS // 2
    seen = 0.3 * noise(CHANNELS, CELLS, CELLS, seed=60)
    seen[:, middle - 2 : middle + 3, middle - 2 : middle + 3] += changed
    learned = old = started(2)
    for _ in range(6):
        learned = learned.learn(seen, (0.5, 0.5), 0.2)
    assert old.respond(seen)[middle, middle] < 0.3 < 0.7 < learned.respond(seen)[middle, middle]
    assert learned.respond(scene(seed=99))[middle, middle] > 0.5  # the first one is not forgotten


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 0.9])
def test_weights_sum_to_one_and_the_first_frame_keeps_its_share(rate):
    learned, features = started(3), scene(seed=3)
    for _ in range(SAMPLES + 5):
        learned = learned.learn(features, (0.5, 0.5), rate)
        assert learned.weights.sum() == pytest.approx(1, abs=1e-5)
        assert learned.weights.min() >= 0
        assert learned.weights[:3].sum() >= FIRST - 1e-5
        assert np.ptp(learned.weights[:3]) < 1e-6
    assert (learned.weights[3:] > 0).all()


def test_a_new_sample_weighs_its_rate():
    learned = started(3).learn(scene(seed=3), (0.5, 0.5), 0.1)
    assert learned.weights[:4] == pytest.approx([0.3, 0.3, 0.3, 0.1])
    assert not learned.weights[4:].any()


def test_free_places_first_and_then_that_of_least_weight_is_taken():
    learned, light = started(2), 5
    for i in range(SAMPLES):
        new = learned.learn(scene(seed=i), (0.5, 0.5), 1e-4 if i == light else 0.05)
        assert changed_places(learned, new) == [2 + i]
        learned = new
    assert learned.weights[2:].argmin() == light
    new = learned.learn(scene(seed=100), (0.5, 0.5), 0.05)
    assert changed_places(learned, new) == [2 + light]
    # Now the oldest of the others.
    assert changed_places(new, new.learn(scene(seed=101), (0.5, 0.5), 0.05)) == [2]


def changed_places(old, new):
    return np.flatnonzero((old.samples != new.samples).any((0, 2))).tolist()


def test_the_label_is_one_at_its_centre_and_falls_alike_around_it():
    middle = label(9, 0, 0)
    assert middle.dtype == np.float32 and middle[4, 4] == 1
    np.testing.assert_array_equal(middle, middle.T)
    np.testing.assert_array_equal(middle, middle[::-1, ::-1])
    moved = label(9, 2, -1)  # x, y
    assert np.unravel_index(moved.argmax(), moved.shape) == (3, 6)
    assert middle[4, 5] == pytest.approx(np.exp(-0.5 / classifier.SIGMA**2))
    # An even grid has no cell in its middle.
    assert label(8, 0, 0)[3:5, 3:5] == pytest.approx(np.exp(-0.25 / classifier.SIGMA**2))

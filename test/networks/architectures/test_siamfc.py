from dataclasses import replace

import pytest
import torch

from tracker_ros.core.config import TrackingConfig
from tracker_ros.networks.architectures.siamfc import Locate, Siamfc, SiamfcConfig, resampling
from tracker_ros.networks.build import steps
from tracker_ros.networks.presets import PRESETS

TINY = SiamfcConfig(
    backbone="mobileone",
    widths=(8, 8, 16, 24),
    depths=(1, 1, 1),
    channels=16,
    template_cells=3,
    heads=2,
    ffn=32,
    layers=1,
    search_size=80,
)
TRACKING = TrackingConfig(query_size=84, memory_size=40, search_factor=4.2)  # 20 pixels of target


def crops(*shape):
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8)


@torch.no_grad()
@pytest.mark.parametrize("name", ["siamfc", "siamfc_st"])
def test_the_papers_sizes(name):
    """Narrow, but with the paper's geometry: 6×6 kernel, 17×17 response, 16 times larger."""
    tracking, whole = PRESETS[name].tracking, PRESETS[name].network
    assert (whole.scale_step, whole.scale_penalty, whole.scale_rate) == (1.0375, 0.9745, 0.59)
    assert (tracking.memory_size, whole.search_size, tracking.window_influence) == (127, 255, 0.176)
    assert tracking.query_size >= 255 * 1.0375 and tracking.memory_factor == pytest.approx(2)
    narrow = {"widths": (4, 4, 8, 8, 8), "channels": 8, "heads": 2, "ffn": 8, "layers": 1}
    network = Siamfc(SiamfcConfig(st=whole.st, **narrow)).eval()
    assert network.template(crops(1, 127, 127)).shape == (1, 8, 6, 6)
    logits = network(crops(2, 3, 127, 127), torch.zeros(2, 3, 4), crops(2, 265, 265))
    assert logits.shape == (2, 1, 17, 17)
    results = {
        name: [tuple(value.shape) for value in step.module(*step.inputs.values())]
        for name, step in steps(network, tracking).items()
    }
    assert results == {
        "start": [(1, 8, 6, 6), (1, 8, 6, 6), (1, 2)],
        "locate": [(1, 272, 272), (1, 4, 272, 272)],
        "remember": [(1, 8, 6, 6)],
    }


def test_the_papers_kernel_has_256_channels():
    with torch.device("meta"):
        network = Siamfc(SiamfcConfig())
    assert network.query_trunk.channels == network.config.channels == 256


@pytest.mark.parametrize("st", [False, True])
def test_every_weight_learns(st):
    network = Siamfc(replace(TINY, st=st))
    network(crops(2, 3, 40, 40), torch.zeros(2, 3, 4), crops(2, 84, 84)).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_response_is_the_mean_product_of_kernel_and_search_window():
    network = Siamfc(TINY).eval()
    query, target = crops(2, 80, 80), torch.randn(2, 16, 3, 3)
    with torch.no_grad():
        logits = network.match(query, target)
        window = network.features(query)[1, :, 2:5, 4:7]
    assert logits.shape == (2, 1, 8, 8)
    wanted = 10 * (window * target[1]).mean().item()
    assert logits[1, 0, 2, 4].item() == pytest.approx(wanted, abs=1e-5)


def test_resampling_at_the_same_scale_cuts_out_the_middle():
    image = torch.rand(84, 84)
    rows = resampling(84, 80, 1.0)
    torch.testing.assert_close(rows @ image @ rows.T, image[2:82, 2:82], rtol=0, atol=0)


@pytest.mark.parametrize("scale", [1 / 1.0375, 1.0375])
def test_resampling_reads_a_ramp_exactly(scale):
    centres = torch.arange(265) + 0.5
    seen = resampling(265, 255, scale) @ centres
    wanted = 132.5 + scale * (torch.arange(255) + 0.5 - 127.5)
    torch.testing.assert_close(seen, wanted, rtol=0, atol=1e-3)


class Prescribed(Siamfc):
    """Answers with given responses at scale 1, the smaller and the larger one."""

    def match(self, crops, target):
        return self.responses[:, None]


@torch.no_grad()
@pytest.mark.parametrize(
    ("logits", "scale", "penalty"),
    [
        ((1.0, 0.0, 0.5), 1.0, 1.0),
        ((1.0, 1.0, 1.05), 1.0, 1.0),  # a little more is not enough for a change of scale
        ((0.0, 2.0, 1.0), 1 / 1.0375, 0.9745),
        ((0.0, 1.0, 2.0), 1.0375, 0.9745),
    ],
)
def test_each_cell_takes_the_scale_that_scores_best(logits, scale, penalty):
    network = Prescribed(TINY).eval()
    network.responses = torch.tensor(logits)[:, None, None].expand(3, 8, 8)
    score, boxes = Locate(network, TRACKING)(
        crops(1, 84, 84), torch.zeros(1, 16, 3, 3), torch.tensor([[2.0, 0.5]])
    )
    assert score.shape == (1, 128, 128) and boxes.shape == (1, 4, 128, 128)
    best = torch.sigmoid(torch.tensor(logits[[1.0, 1 / 1.0375, 1.0375].index(scale)]))
    assert score[0, 5, 70].item() == pytest.approx(penalty * best.item(), abs=1e-6)
    left, top, right, bottom = boxes[0, :, 5, 70].tolist()
    # Half a pixel of the crop for a cell, at scale 1; cell 63.5 is the middle.
    assert (left + right) / 2 == pytest.approx(42 + scale * 6.5 * 0.5, abs=1e-4)
    assert (top + bottom) / 2 == pytest.approx(42 + scale * -58.5 * 0.5, abs=1e-4)
    damped = 1 + 0.59 * (scale - 1)
    assert right - left == pytest.approx(40 * damped, abs=1e-4)
    assert bottom - top == pytest.approx(10 * damped, abs=1e-4)


@torch.no_grad()
def test_start_keeps_the_targets_shape():
    network = Siamfc(TINY).eval()
    start = steps(network, TRACKING)["start"].module
    _, _, shape = start(crops(1, 40, 40), torch.tensor([[4.0, 12, 32, 8]]))
    torch.testing.assert_close(shape, torch.tensor([[2.0, 0.5]]))

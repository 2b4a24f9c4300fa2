import json
import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError
from tracker_ros.networks.architectures.dastm import Dastm, DastmConfig
from tracker_ros.networks.backbones.mobileone import DEPTHS, VARIANTS, MobileOne
from tracker_ros.networks.blocks.attention import CBAM, SE, CoordinateAttention
from tracker_ros.networks.blocks.convolutions import fuse
from tracker_ros.networks.blocks.head import cell_centres
from tracker_ros.networks.blocks.reader import read_memory, tokens
from tracker_ros.networks.build import build, steps

TINY = DastmConfig(
    widths=(8, 8, 16, 24), depths=(1, 1, 1), channels=16, head_channels=16, head_depth=1
)
TRACKING = TrackingConfig(query_size=64, memory_size=48)


def crops(*shape):
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8)


def test_tokens_are_cells_in_reading_order():
    features = torch.arange(12.0).view(1, 2, 2, 3)
    assert tokens(features)[0].tolist() == [[0, 6], [1, 7], [2, 8], [3, 9], [4, 10], [5, 11]]


def test_reader_is_softmax_over_all_memory_cells():
    query, memory = torch.randn(2, 6, 3, 4), torch.randn(2, 10, 6)
    read = read_memory(query, memory)
    assert read.shape == (2, 12, 3, 4)
    weights = torch.softmax(torch.einsum("bmc,bchw->bmhw", memory, query) / math.sqrt(6), 1)
    readout = torch.einsum("bmhw,bmc->bchw", weights, memory)
    torch.testing.assert_close(read, torch.cat([readout, query], 1))


def test_reader_ignores_the_order_of_the_frames():
    query, memory = torch.randn(1, 6, 3, 4), torch.randn(1, 10, 6)
    torch.testing.assert_close(
        read_memory(query, memory), read_memory(query, memory[:, torch.randperm(10)])
    )


def test_label_map_is_1_where_a_pixels_centre_is_inside():
    boxes = torch.tensor([[1.0, 2.0, 3.0, 1.0], [0.6, -5.0, 1.0, 6.4]])
    first, second = Dastm.label_map(boxes, 5)[:, 0]
    assert first.tolist() == [
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    # From 0.6 to 1.6: the centre 0.5 is outside, 1.5 inside; down to 1.4: only the row at 0.5.
    assert second.nonzero().tolist() == [[0, 1]]


@pytest.mark.parametrize("size", [32, 40])
@pytest.mark.parametrize("depths", [(1, 1, 1), (2, 1, 3)])
def test_trunk_has_stride_8_and_takes_the_label_map_after_its_stem(size, depths):
    trunk = MobileOne((8, 12, 16, 24), depths, branches=2, scale=True).eval()
    x, extra = torch.randn(2, 3, size, size), torch.randn(2, 8, size // 2, size // 2)
    with torch.no_grad():
        assert trunk(x).shape == (2, 24, size // 8, size // 8)
        assert not torch.allclose(trunk(x), trunk(x, extra))
        torch.testing.assert_close(trunk(x), trunk(x, torch.zeros_like(extra)))
    assert [len(stage) for stage in trunk.stages] == list(depths)


@pytest.mark.parametrize(("size", "off"), [(289, 0), (161, 0), (160, 3.5)])
def test_cells_lie_where_those_of_289_pixels_do_or_boxes_are_off(size, off):
    """Fields' centres are 8 pixels apart from the first pixel on, whatever the crop's size."""
    assert cell_centres(MobileOne.cells(size), 8, size)[0] == 0.5 + off


def test_normalise_maps_bytes_to_minus_1_to_1():
    x = torch.tensor([0, 255, 51], dtype=torch.uint8).expand(1, 2, 2, 3)
    assert Dastm(TINY).normalise(x)[0, :, 0, 0].tolist() == pytest.approx([-1, 1, -0.6])


def test_training_step_shapes():
    network = Dastm(TINY)
    logits, centerness, boxes, weights = network(
        crops(2, 3, 48, 48), torch.tensor([[[12.0, 12, 24, 24]] * 3] * 2), crops(2, 64, 64)
    )
    assert logits.shape == centerness.shape == (2, 1, 8, 8) and boxes.shape == (2, 4, 8, 8)
    assert weights.shape == (2, 3, 4)
    (logits.sum() + centerness.sum() + boxes.sum()).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None]
    assert silent == []


@torch.no_grad()
def test_steps_together_are_the_training_forward():
    torch.manual_seed(0)
    network = Dastm(TINY).eval()
    memory, query = crops(1, 3, 48, 48), crops(1, 64, 64)
    boxes = torch.tensor([[[12.0, 12, 24, 24], [8, 20, 20, 10], [0, 0, 30, 40]]])
    logits, centerness, sides, weights = network(memory, boxes, query)
    parts = steps(network, TRACKING)
    remembered = [parts["remember"].module(memory[:, i], boxes[:, i]) for i in range(3)]
    score, located = parts["locate"].module(query, torch.cat([frame for frame, _ in remembered], 1))
    torch.testing.assert_close(score, (logits.sigmoid() * centerness.sigmoid())[:, 0])
    torch.testing.assert_close(located, sides)
    torch.testing.assert_close(torch.stack([gate for _, gate in remembered], 1), weights)


@torch.no_grad()
def test_step_examples_fit_their_modules():
    for name, step in steps(Dastm(TINY).eval(), TRACKING).items():
        results = step.module(*step.inputs.values())
        assert len(results) == len(step.outputs)
        shapes = [tuple(result.shape) for result in results]
        assert (
            shapes
            == {
                "locate": [(1, 8, 8), (1, 4, 8, 8)],
                "remember": [(1, 36, 16), (1, 4)],
            }[name]
        )


@torch.no_grad()
def test_the_box_matters_to_the_memory():
    network = Dastm(TINY).eval()
    torch.nn.init.normal_(network.label.weight)
    crop = crops(1, 48, 48)
    here, there = (
        network.encode(crop, torch.tensor([box]))[0]
        for box in ([4.0, 4, 16, 16], [28.0, 28, 16, 16])
    )
    assert (here - there).abs().max() > 1e-3


@torch.no_grad()
def test_fusing_the_whole_network_keeps_its_answer():
    torch.manual_seed(0)
    config = DastmConfig(**{**TINY.to_dict(), "branches": 2, "scale": True})
    network = Dastm(config)
    inputs = crops(2, 2, 48, 48), torch.tensor([[[12.0, 12, 24, 24]] * 2] * 2), crops(2, 64, 64)
    for _ in range(3):
        network.train()(*inputs)
    before = network.eval()(*inputs)
    for a, b in zip(before, fuse(network)(*inputs), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("channels", 0, "channels is 0, not from 1 to 4096"),
        ("head_depth", -1, "head_depth is -1"),
        ("temperature", float("nan"), "temperature is nan"),
        ("depths", (2, -5, 6), r"depths is \(2, -5, 6\)"),
    ],
)
def test_sizes_that_no_network_has(name, value, words):
    with pytest.raises(ModelError, match=f"these values make no dastm: .*{words}"):
        build("dastm", {name: value})


def test_config_round_trip():
    assert DastmConfig.from_dict(json.loads(json.dumps(TINY.to_dict()))) == TINY
    with pytest.raises(TypeError, match="colour"):
        DastmConfig.from_dict({"colour": 1})


def test_build_by_name():
    assert isinstance(build("dastm", TINY.to_dict()), Dastm)
    with pytest.raises(ModelError, match="'siam' is unknown; there is stmtrack, "):
        build("siam", {})
    with pytest.raises(ModelError, match="these values make no stmtrack: backbone is 'vgg'"):
        build("stmtrack", {"backbone": "vgg"})
    with pytest.raises(ModelError, match="Linear is not a network of this package"):
        steps(torch.nn.Linear(1, 1), TRACKING)


def macs(module, *inputs):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*inputs)
    return counter.get_total_flops() // 2


def test_the_attention_modules_cost_next_to_nothing():
    x = torch.zeros(1, 512, 20, 20)
    costs = {module: macs(module(512).eval(), x) for module in (SE, CoordinateAttention, CBAM)}
    assert costs[SE] == 2 * 512 * 32
    assert costs[CoordinateAttention] == (20 + 20) * (512 * 16 + 16 * 512)
    assert costs[CBAM] == 2 * (2 * 512 * 32) + 7 * 7 * 2 * 400
    assert sum(costs.values()) == pytest.approx(0.8e6, rel=0.05)


@pytest.mark.parametrize(
    ("variant", "channels", "giga"),
    [("s0", 512, 7.3), ("s1", 256, 7.5), ("s1", 512, 9.9), ("s2", 512, 11.7)],
)
def test_papers_sizes_cost_what_the_arithmetic_says(variant, channels, giga):
    # At 160 px with six memory frames. The arithmetic has STMTrack's towers, whose first layers
    # read all 2C channels with 3x3 kernels; ours share a 1x1 reduction before them.
    widths, branches = VARIANTS[variant]
    config = DastmConfig(
        widths=widths,
        depths=DEPTHS,
        branches=branches,
        channels=channels,
        head_channels=256,
        head_depth=7,
        head_kind="conv",
    )
    with torch.device("meta"):
        network = Dastm(config)
        for part in network.modules():
            # Fusing needs values; dropping the other branches leaves the same cost.
            if hasattr(part, "convs"):
                part.convs, part.skip, part.scale = part.convs[:1], None, None
        network.eval()
        crop, box = torch.zeros(1, 160, 160, 3, dtype=torch.uint8), torch.zeros(1, 4)
        memory = torch.zeros(1, 6 * 400, channels)
        cost = macs(network.match, crop, memory) + macs(network.features, crop, box)
    ours = 400 * (2 * channels * 256 + 2 * 9 * 256 * 256)
    theirs = 400 * 2 * 9 * 2 * channels * 256
    assert cost - ours + theirs == pytest.approx(giga * 1e9, rel=0.015)

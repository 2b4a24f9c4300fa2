"""STMTrack against the figures of its paper and of its reference code."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tracker_ros.core.errors import ModelError
from tracker_ros.core.memory import segment_centres
from tracker_ros.networks.architectures.stmtrack import Stmtrack, StmtrackConfig
from tracker_ros.networks.backbones.inception import InceptionV3
from tracker_ros.networks.build import build, steps
from tracker_ros.networks.presets import PRESETS

NARROW = StmtrackConfig(width=0.1, channels=16, head_channels=8, head_depth=2)


def giga(module, *inputs):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*inputs)
    return counter.get_total_flops() / 2e9


def millions(module):
    return sum(value.numel() for value in module.parameters()) / 1e6


@pytest.fixture(scope="module")
def network():
    """The paper's network without values."""
    preset = PRESETS["stmtrack"]
    with torch.device("meta"):
        return build(preset.architecture, preset.network.to_dict()).eval()


def test_289_pixels_are_25_cells_of_768_channels(network):
    with torch.device("meta"):
        assert network.query_trunk(torch.zeros(1, 3, 289, 289)).shape == (1, 768, 25, 25)
        crop = torch.zeros(1, 289, 289, 3, dtype=torch.uint8)
        assert network.query(crop).shape == (1, 512, 25, 25)
        assert network.features(crop, torch.zeros(1, 4)).shape == (1, 512, 25, 25)
    tracking = PRESETS["stmtrack"].tracking
    assert (tracking.query_size, tracking.memory_size, tracking.memory_factor) == (289, 289, 4)


def test_necks_are_one_plain_convolution_from_768_to_512(network):
    for neck in (network.memory_neck, network.query_neck):
        assert isinstance(neck, nn.Conv2d) and neck.bias is not None
        assert (neck.in_channels, neck.out_channels, neck.kernel_size) == (768, 512, (3, 3))


def test_a_separable_neck_is_cheaper_and_of_the_same_shape():
    network = Stmtrack(replace(NARROW, neck="separable"))
    inputs, neck = network.query_trunk.channels, network.query_neck
    assert sum(p.numel() for p in neck.parameters()) == inputs * (9 + 16) + 16
    assert neck(torch.zeros(1, inputs, 5, 6)).shape == (1, 16, 5, 6)
    with pytest.raises(ValueError, match="neck is 'wide', not conv or separable"):
        Stmtrack(replace(NARROW, neck="wide"))


def test_branches_are_unshared_and_have_8_97_million_parameters_each(network):
    assert millions(network.memory_trunk) == pytest.approx(8.97, abs=0.005)
    assert millions(network.query_trunk) == pytest.approx(8.97, abs=0.005)
    assert network.memory_trunk is not network.query_trunk


def test_label_map_enters_behind_the_first_convolution(network):
    label = network.label
    assert (label.in_channels, label.out_channels) == (1, 32) and label.bias is None
    assert (label.kernel_size, label.stride) == ((3, 3), (2, 2))
    narrow = Stmtrack(NARROW)
    assert narrow.label.weight.std().item() == pytest.approx(0.01, rel=0.4)
    trunk, seen = InceptionV3(0.1).eval(), []
    trunk.body.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x, extra = torch.randn(1, 3, 145, 145), torch.randn(1, 8, 72, 72)
    with torch.no_grad():
        trunk(x, extra)
        torch.testing.assert_close(seen[0], torch.relu(trunk.stem[1](trunk.stem[0](x))) + extra)


def test_a_frame_costs_42_gmacs_with_six_memory_frames(network):
    with torch.device("meta"):
        crop = torch.zeros(1, 289, 289, 3, dtype=torch.uint8)
        memory = torch.zeros(1, 6 * 625, 512)
        trunk = giga(network.query_trunk, torch.zeros(1, 3, 289, 289))
        neck = giga(network.query_neck, torch.zeros(1, 768, 25, 25))
        head = giga(network.head, torch.zeros(1, 1024, 25, 25), 289)
        located = giga(network.match, crop, memory)
        whole = located + giga(network.features, crop, torch.zeros(1, 4))
    assert trunk == pytest.approx(13.94, abs=0.005)
    assert neck == pytest.approx(2.21, abs=0.005)
    assert head == pytest.approx(7.37, abs=0.01)
    assert located - trunk - neck - head == pytest.approx(2.4, abs=0.005)
    assert whole == pytest.approx(42, abs=0.1)


@pytest.mark.parametrize("size", [145, 200, 289, 290])
def test_cells_are_what_the_trunk_makes(size):
    with torch.device("meta"):
        made = InceptionV3(0.1)(torch.zeros(1, 3, size, size)).shape[-1]
    assert InceptionV3.cells(size) == made


@pytest.mark.parametrize("total", [1, 3, 4, 5, 7, 8, 9, 100, 1001])
def test_memory_index_rule_is_the_references(total):
    # Counted from 1: all up to four frames; then the first and i * dur + dur // 2 + 1.
    dur = total // 4
    if total <= 4:
        expected = set(range(1, total + 1))
    else:
        expected = {1} | {i * dur + dur // 2 + 1 for i in range(4)}
    chosen = [index + 1 for index in segment_centres(total, 4)]
    assert chosen == sorted(expected) and max(chosen) <= total


def test_eq_5_of_the_paper_leaves_the_range_that_the_rule_keeps():
    assert math.floor((100 - 1) // 4 * (4 + 1 / 2)) == 108  # the fourth of 99 memorised frames
    assert max(segment_centres(99, 4)) + 1 == 85


def test_narrow_training_step_reaches_every_weight():
    torch.manual_seed(0)
    network = Stmtrack(NARROW)
    crops = torch.randint(0, 256, (2, 2, 145, 145, 3), dtype=torch.uint8)
    boxes = torch.tensor([[[50.0, 50, 40, 40]] * 2] * 2)
    maps = network(crops, boxes, crops[:, 0])
    assert maps.logits.shape == (2, 1, 7, 7) and maps.boxes.shape == (2, 4, 7, 7)
    assert maps.gate is None
    (maps.logits.sum() + maps.centerness.sum() + maps.boxes.sum()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@torch.no_grad()
def test_steps_together_are_the_training_forward():
    torch.manual_seed(0)
    network = Stmtrack(NARROW).eval()
    tracking = replace(PRESETS["stmtrack"].tracking, query_size=145, memory_size=145)
    crops = torch.randint(0, 256, (1, 2, 145, 145, 3), dtype=torch.uint8)
    boxes = torch.tensor([[[50.0, 50, 40, 40], [40, 60, 50, 30]]])
    logits, centerness, sides, _ = network(crops, boxes, crops[:, 1])
    made = steps(network, tracking)
    memory = [made["remember"].module(crops[:, i], boxes[:, i])[0] for i in range(2)]
    score, located = made["locate"].module(crops[:, 1], torch.cat(memory, 1))
    torch.testing.assert_close(score, (logits.sigmoid() * centerness.sigmoid())[:, 0])
    torch.testing.assert_close(located, sides)


SMALL = StmtrackConfig(
    backbone="efficientnet_lite0",
    shared=True,
    channels=16,
    head_channels=8,
    head_depth=1,
    head_kind="separable",
)


def test_behind_a_trunk_of_three_levels_the_memorys_neck_takes_the_label_map_in():
    torch.manual_seed(0)
    network = Stmtrack(SMALL)
    assert network.memory_encoder is network.query_trunk and network.label is None
    crops = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    boxes = torch.tensor([[20.0, 20, 20, 20], [30, 10, 20, 40]])
    # As `train --frozen 1` has it: nothing of the trunk learns, all that is behind it does.
    network.query_trunk.requires_grad_(False)
    maps = network(crops[:, None], boxes[:, None], crops)
    assert maps.logits.shape == (2, 1, 8, 8)
    (maps.logits.sum() + maps.centerness.sum() + maps.boxes.sum()).backward()
    silent = {name for name, p in network.named_parameters() if p.grad is None}
    assert silent == {name for name in network.state_dict() if name.startswith("query_trunk.")}
    network.eval()
    with torch.no_grad():
        found = [network.features(crops[:1], box[None]) for box in boxes]
        assert not torch.allclose(*found)
        plain = Stmtrack(replace(SMALL, labelled=False)).eval()
        assert torch.equal(*(plain.features(crops[:1], box[None]) for box in boxes))


def test_crops_that_three_levels_do_not_fit():
    tracking = replace(PRESETS["stmtrack_tiny"].tracking, memory_size=104)
    with pytest.raises(ModelError, match="a crop of 104 pixels cannot be halved four times"):
        steps(Stmtrack(SMALL), tracking)


@torch.no_grad()
@pytest.mark.parametrize("name", ["stmtrack", "stif"])
def test_all_queries_of_a_sample_are_matched_with_its_own_memory(name):
    torch.manual_seed(0)
    network = build(name, SMALL.to_dict()).eval()
    memory = torch.randint(0, 256, (2, 3, 64, 64, 3), dtype=torch.uint8)
    boxes = torch.tensor([20.0, 20, 20, 20]).expand(2, 3, 4)
    queries = torch.randint(0, 256, (2, 2, 64, 64, 3), dtype=torch.uint8)
    together = network(memory, boxes, queries.flatten(0, 1)).logits.unflatten(0, (2, 2))
    for number in range(2):
        alone = network(memory, boxes, queries[:, number]).logits
        torch.testing.assert_close(together[:, number], alone)

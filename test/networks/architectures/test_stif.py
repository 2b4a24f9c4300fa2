"""STIF: the shapes and the meaning of eq. 1 to 11."""

from dataclasses import replace

import pytest
import torch

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError
from tracker_ros.networks.architectures.stif import (
    GatedAttention,
    Stif,
    StifConfig,
    enhance_in_time,
)
from tracker_ros.networks.build import build, steps
from tracker_ros.networks.presets import PRESETS

TINY = StifConfig(
    backbone="mobileone",
    widths=(8, 8, 16, 24),
    depths=(1, 1, 1),
    channels=16,
    head_channels=16,
    head_depth=1,
    head_kind="separable",
)
TRACKING = TrackingConfig(query_size=64, memory_size=64)


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = Stif(TINY).eval()
    for part in (made.label, made.memory_neck, made.memory_fusion.conv, made.head.score):
        torch.nn.init.normal_(part.weight)  # as trained weights do, these tell frames apart
    return made


def crops(*shape):
    return torch.randint(0, 256, (*shape, 64, 64, 3), dtype=torch.uint8)


def boxes(*shape):
    return torch.tensor([16.0, 16, 32, 32]).expand(*shape, 4)


def test_shapes_of_every_equation_at_the_papers_sizes():
    preset = PRESETS["stif"]
    with torch.device("meta"):
        network = build("stif", preset.network.to_dict()).eval()
        memory = torch.zeros(2, 3, 512, 25, 25)
        anchor, query = memory[:, 0], torch.zeros(2, 512, 25, 25)
        assert enhance_in_time(anchor, memory).shape == (2, 512, 25, 25)  # eq. 2, 3
        assert network.memory_spatial.mask(anchor).shape == (2, 1, 25, 25)  # eq. 4
        enhanced = network.remember(anchor, memory)
        assert enhanced.shape == (2, 512, 25, 25)  # eq. 1, 5
        assert network.query_spatial.mask(query).shape == (2, 1, 25, 25)  # eq. 6
        assert network.enhance_query(query, enhanced).shape == (2, 512, 25, 25)  # eq. 7
        assert network.memory_fusion(query, enhanced).shape == (2, 512, 25, 25)  # eq. 8, 9
        assert network.query_fusion(enhanced, query).shape == (2, 512, 25, 25)  # eq. 10
        assert network.fuse_branches(query, enhanced).shape == (2, 1024, 25, 25)  # eq. 11
        example = {name: step.inputs for name, step in steps(network, preset.tracking).items()}
    assert example["remember"]["recent"].shape == (1, 3, 512, 25, 25)
    assert example["locate"]["crop"].shape == (1, 289, 289, 3)


def test_temporal_enhancement_is_a_mean_weighted_by_likeness_to_the_first_frame():
    anchor, recent = torch.randn(2, 6, 4, 5), torch.randn(2, 3, 6, 4, 5)
    made = enhance_in_time(anchor, recent)
    for b, y, x in ((0, 0, 0), (1, 3, 4)):
        likeness = torch.stack([recent[b, i, :, y, x] @ anchor[b, :, y, x] for i in range(3)])
        weights = torch.softmax(likeness / 6**0.5, 0)
        expected = sum(weights[i] * recent[b, i, :, y, x] for i in range(3))
        torch.testing.assert_close(made[b, :, y, x], expected)


def test_equal_frames_collapse_to_themselves():
    frame = torch.randn(1, 6, 4, 5)
    made = enhance_in_time(torch.randn(1, 6, 4, 5), frame[:, None].expand(-1, 3, -1, -1, -1))
    torch.testing.assert_close(made, frame)


def test_fusion_is_attention_gated_by_what_was_read():
    torch.manual_seed(0)
    branch, query, memory = GatedAttention(6), torch.randn(1, 6, 3, 4), torch.randn(1, 6, 5, 2)
    rows, columns = query.flatten(2)[0].T, memory.flatten(2)[0].T
    read = torch.softmax(rows @ columns.T / 6**0.5, 1) @ columns  # eq. 8
    read = read.T.view(1, 6, 3, 4)
    expected = branch.conv(read * torch.sigmoid(branch.gate(read)))
    torch.testing.assert_close(branch(query, memory), expected)


@torch.no_grad()
def test_the_branches_swap_their_roles_and_are_joined_in_order(network):
    query, memory = torch.randn(1, 16, 8, 8), torch.randn(1, 16, 8, 8)
    first, second = network.fuse_branches(query, memory).split(16, 1)
    torch.testing.assert_close(first, network.memory_fusion(query, memory))
    torch.testing.assert_close(second, network.query_fusion(memory, query))
    assert not torch.allclose(first, second)


@torch.no_grad()
def test_masks_have_weights_of_their_own_and_only_weaken(network):
    features = torch.randn(1, 16, 8, 8)
    memory, query = network.memory_spatial(features), network.query_spatial(features)
    assert not torch.allclose(memory, query)
    assert (memory.abs() <= features.abs()).all() and (query.abs() <= features.abs()).all()


@torch.no_grad()
@pytest.mark.parametrize("literal", [False, True])
def test_eq_6_pools_the_query_or_literally_the_memory(literal):
    torch.manual_seed(0)
    network = Stif(replace(TINY, literal=literal)).eval()
    query, here, there = torch.randn(3, 1, 16, 8, 8).unbind()
    same = torch.equal(network.enhance_query(query, here), network.enhance_query(query, there))
    assert same is not literal


def test_training_step_reaches_every_weight():
    network = Stif(TINY)
    maps = network(crops(2, 4), boxes(2, 4), crops(2))
    assert maps.logits.shape == (2, 1, 8, 8) and maps.boxes.shape == (2, 4, 8, 8)
    assert maps.gate is None
    (maps.logits.sum() + maps.centerness.sum() + maps.boxes.sum()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@torch.no_grad()
def test_only_the_first_of_the_memory_frames_has_a_place(network):
    memory, query = crops(1, 4), crops(1)
    logits = network(memory, boxes(1, 4), query).logits
    swapped = network(memory[:, [0, 3, 1, 2]], boxes(1, 4), query).logits
    torch.testing.assert_close(swapped, logits)
    other_first = network(memory[:, [1, 0, 2, 3]], boxes(1, 4), query).logits
    assert (other_first - logits).abs().max() > 0.01


def run(network, memory, query):
    """Start on the first frame, remember the others, locate: score, and the arrays."""
    made = steps(network, TRACKING)
    arrays = dict(
        zip(made["start"].outputs, made["start"].module(memory[:, 0], boxes(1)), strict=True)
    )
    for i in range(1, memory.shape[1]):
        step = made["remember"]
        values = step.module(memory[:, i], boxes(1), arrays["anchor"], arrays["recent"])
        arrays |= dict(zip(step.outputs, values, strict=True))
    return made["locate"].module(query, arrays["memory"])[0], arrays


@torch.no_grad()
@pytest.mark.parametrize(
    ("seen", "read"),
    [
        ([0], [0, 0, 0, 0]),  # padded with the first frame
        ([0, 1], [0, 0, 0, 1]),
        ([0, 1, 2], [0, 0, 1, 2]),
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 1, 2, 3, 4], [0, 2, 3, 4]),  # the oldest is forgotten, the first never
    ],
)
def test_steps_keep_the_first_frame_and_the_last_three(network, seen, read):
    frames, query = crops(1, 5), crops(1)
    score, arrays = run(network, frames[:, seen], query)
    maps = network(frames[:, read], boxes(1, 4), query)
    expected = (maps.logits.sigmoid() * maps.centerness.sigmoid())[:, 0]
    torch.testing.assert_close(score, expected)
    assert arrays["anchor"].shape == arrays["memory"].shape == (1, 16, 8, 8)  # T is 1 again
    assert arrays["recent"].shape == (1, 3, 16, 8, 8)


def test_crops_of_two_sizes_are_refused(network):
    with pytest.raises(ModelError, match="memory_size is 48 and query_size 64"):
        steps(network, replace(TRACKING, memory_size=48))
    with pytest.raises(ModelError, match="memory_size is 64 and query_size 48"):
        network(crops(1, 4), boxes(1, 4), crops(1)[:, :48, :48])

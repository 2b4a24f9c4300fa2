"""Networks by the names that users know, with the geometry they track with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..core.config import TrackingConfig
from ..core.errors import ParameterError
from ..core.gate import BRANCHES
from .architectures.dastm import DastmConfig
from .architectures.dastm_filter import DastmFilterConfig
from .architectures.dastsiam import DastsiamConfig
from .architectures.siamfc import SiamfcConfig
from .architectures.stif import StifConfig
from .architectures.stmtrack import StmtrackConfig
from .architectures.ustam import UstamConfig
from .backbones.mobileone import DEPTHS, VARIANTS


class Preset(NamedTuple):
    """An architecture (see ``build``), its sizes, and how it looks at images.

    network: the architecture's own child of ``NetworkConfig``.
    """

    architecture: str
    network: Any
    tracking: TrackingConfig


# The shipped network: DASTM on an ImageNet trunk, beside a classifier that is learned online. What
# it tracks with was chosen on the development sequences (docs/search.md).
DASTM = Preset(
    "dastm_filter",
    DastmFilterConfig(search_cells=14, memory_cells=11, refine=True),
    TrackingConfig(
        query_size=112,
        memory_size=112,
        search_factor=2.625,
        memory_segments=1,
        memory_interval=2,
        memory_score=0.3,
        motion=0.8,
        aside_score=0.35,
        window_influence=0.0,
        opinion_place=0.5,
        refine_place=0.7,
        refine_scale=0.3,
        refine_shape=0.2,
        scale_step=0.05,
        tracking_score=0.5,
        lost_score=0.2,
        lost_after=6,
        recover_score=0.1,
    ),
)
# Thorough in fewer frames.
NANO = DASTM._replace(tracking=replace(DASTM.tracking, memory_interval=4, filter_rate=0.14))


def _gated(mode: str) -> Preset:
    return DASTM._replace(network=replace(DASTM.network, gate=mode))


# The paper's network alone, of sizes for a CPU.
DASTM_TINY = Preset(
    "dastm",
    DastmConfig(depths=(2, 5, 8), neck="separable"),
    TrackingConfig(
        search_factor=3.3,
        memory_segments=2,
        memory_score=0.6,
        memory_interval=3,
        penalty=0.2,
        size_rate=0.3,
        lost_score=0.35,
    ),
)

# STMTrack's reference, for GOT-10k, LaSOT and TrackingNet. It memorises every frame but reads the
# last one only above .6; ours memorises above that only, for a memory that is bounded.
STMTRACK = Preset(
    "stmtrack",
    StmtrackConfig(),
    TrackingConfig(
        query_size=289,
        memory_size=289,
        search_factor=4.0,
        memory_score=0.6,
        window_influence=0.21,
        penalty=0.04,
        size_rate=0.95,
    ),
)

# Small enough to learn something in minutes: a frozen trunk that ImageNet taught, as ``dastm`` has,
# whose sizes and pixel scale they share so that they can start from it.
SMALL: dict[str, Any] = {"backbone": "efficientnet_lite0", "channels": 128}
TINY = {
    **SMALL,
    "shared": True,  # two frozen trunks would be the same
    "head_channels": 128,
    "head_depth": 3,
    "head_kind": "separable",
}
STMTRACK_TINY = Preset(
    "stmtrack",
    StmtrackConfig(**TINY),
    TrackingConfig(
        query_size=128,
        memory_size=96,
        search_factor=3.0,
        memory_segments=2,
        memory_interval=3,
        memory_score=0.6,
        penalty=0.1,
        size_rate=0.05,
        tracking_score=0.35,
        lost_score=0.15,
        recover_score=0.5,
    ),
)


def _ustam(network: UstamConfig) -> Preset:
    """USTAM's search window is 4.5 times the target, its template window 2 times (MixViT).

    At 384 and 192 pixels ours is 2.25 times, for templates and search share a pixel scale.
    The head answers with one box, so nothing is ranked or smoothed, and its peaks are low: they
    share a probability of 1 among all pixels of a corner's map.
    """
    tracking = TrackingConfig(
        query_size=network.query_size,
        memory_size=network.template_size,
        search_factor=4.5,
        memory_capacity=2,
        memory_score=0.08,
        window_influence=0.0,
        penalty=0.0,
        size_rate=2.0,  # times at least a half: the new size counts alone
        tracking_score=0.03,
        lost_score=0.015,
        recover_score=0.05,
    )
    return Preset("ustam", network, tracking)


USTAM_BASE = UstamConfig(drop_path=0.1)  # MixViT's
USTAM_LARGE = replace(
    USTAM_BASE, channels=1024, depth=24, heads=16, query_size=384, template_size=192
)

# The first third of DINOv2-S: the paper's form, small. A template window is twice the target.
USTAM_TINY = _ustam(
    UstamConfig(
        channels=384,
        depth=4,
        heads=6,
        patch=14,
        learned_code=True,
        query_size=196,
        template_size=98,
        head_channels=64,
        corner_place=0.5,
    )
)
# Its scores were chosen on development sequences with the weights that ship.
USTAM_TINY = USTAM_TINY._replace(
    tracking=replace(
        USTAM_TINY.tracking,
        search_factor=4.0,
        memory_score=0.12,
        tracking_score=0.08,
        lost_score=0.05,
        recover_score=0.1,
    )
)

# A template window is twice the target, SiamFC's context. An update needs p1 + p2 > 1.18, which is
# a score of .59 (see dastsiam.locate); the ranking's values are SiamRPN++'s, DASTSiam has none.
DASTSIAM = Preset(
    "dastsiam",
    DastsiamConfig(),
    TrackingConfig(
        query_size=287,
        memory_size=127,
        search_factor=2 * 287 / 127,
        memory_capacity=3,
        memory_score=0.59,
        window_influence=0.42,
        penalty=0.05,
        size_rate=0.38,
    ),
)

# 265 pixels hold 255 at the largest of the three scales. Scales are smoothed in the network.
SIAMFC_ST = Preset(
    "siamfc",
    SiamfcConfig(),
    replace(
        DASTSIAM.tracking,
        query_size=265,
        search_factor=2 * 265 / 127,
        window_influence=0.176,
        penalty=0.0,
        size_rate=2.0,  # times at least a half: the new size counts alone
    ),
)

SMALL_SIAMESE: dict[str, Any] = {
    **SMALL,
    "template_cells": 6,
    "dropout": 0.0,  # it takes a fifth of the training time on a CPU
    "ffn": 256,
    "layers": 1,
}


def _without(whole: Preset, *modules: str) -> Preset:
    """Without ST (``st``), DA (``da``) or both; without ST no template is ever updated."""
    network = replace(whole.network, **dict.fromkeys(modules, False))
    if network.st:
        return whole._replace(network=network)
    never = replace(whole.tracking, memory_capacity=1, memory_score=2.0)
    return whole._replace(network=network, tracking=never)


PRESETS = {
    "stmtrack": STMTRACK,
    "stmtrack_tiny": STMTRACK_TINY,
    "stif": Preset("stif", StifConfig(), replace(STMTRACK.tracking, memory_capacity=4)),
    "stif_tiny": Preset(
        "stif",
        StifConfig(**TINY),
        replace(STMTRACK_TINY.tracking, memory_size=128, memory_capacity=4),
    ),
    "dastm": DASTM,
    "dastm_nano": NANO,
    # Without the filter, for comparison.
    "dastm_alone": DASTM._replace(network=replace(DASTM.network, filter="none", refine=False)),
    "dastm_tiny": DASTM_TINY,
    **{f"dastm_{mode}": _gated(mode) for mode in ("soft", "random", *BRANCHES)},
    "sastm": _gated("static"),
    # The paper's network, of the smallest MobileOne; its variant is not printed. Trained at 289 px.
    "dastm_paper": Preset(
        "dastm",
        DastmConfig(
            widths=VARIANTS["s0"][0],
            depths=DEPTHS,
            branches=VARIANTS["s0"][1],
            scale=True,
            channels=512,
            head_channels=256,
            head_depth=7,
            head_kind="plain",
        ),
        STMTRACK.tracking,
    ),
    "dastm_large": Preset(
        "dastm",
        DastmConfig(
            depths=DASTM_TINY.network.depths,
            channels=512,
            head_channels=256,
            head_depth=7,
            head_kind="conv",
        ),
        replace(
            DASTM_TINY.tracking,
            query_size=288,
            memory_size=160,
            search_factor=4.0,
            penalty=0.06,
            size_rate=0.6,
        ),
    ),
    "ustam_b288": _ustam(USTAM_BASE),
    "ustam_b384": _ustam(replace(USTAM_BASE, query_size=384, template_size=192)),
    "ustam_l384": _ustam(USTAM_LARGE),
    "ustam_tiny": USTAM_TINY,
    "dastsiam": DASTSIAM,
    "dastsiam_st": _without(DASTSIAM, "da"),
    "dastsiam_da": _without(DASTSIAM, "st"),
    "dastsiam_base": _without(DASTSIAM, "st", "da"),
    "dastsiam_released": DASTSIAM._replace(
        network=replace(DASTSIAM.network, released=True, dilation=1)
    ),
    "dastsiam_tiny": Preset(
        "dastsiam",
        DastsiamConfig(**SMALL_SIAMESE, anchor=40.0),
        replace(
            DASTSIAM.tracking,
            query_size=160,
            memory_size=80,
            search_factor=4.0,
            window_influence=0.2,
            size_rate=0.2,
        ),
    ),
    "siamfc_st": SIAMFC_ST,
    "siamfc": _without(SIAMFC_ST, "st"),
    "siamfc_st_tiny": Preset(
        "siamfc",
        SiamfcConfig(**SMALL_SIAMESE, search_size=160),
        # Its response is near 1 all around the target: a window would only hold the box back.
        replace(
            SIAMFC_ST.tracking,
            query_size=166,
            memory_size=80,
            search_factor=2 * 166 / 80,
            window_influence=0.0,
        ),
    ),
}


def preset(name: str) -> Preset:
    """The preset of a name. Raises ParameterError naming those that there are."""
    if name not in PRESETS:
        raise ParameterError(f"model {name!r} is unknown; there is {', '.join(PRESETS)}")
    return PRESETS[name]

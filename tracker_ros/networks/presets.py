"""Networks by the names that users know, with the geometry they track with."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ..core.config import TrackingConfig
from ..core.errors import ParameterError
from .config import NetworkConfig
from .dastm import DastmConfig
from .mobileone import DEPTHS, VARIANTS
from .stif import StifConfig
from .stmtrack import StmtrackConfig
from .ustam import UstamConfig


class Preset(NamedTuple):
    """An architecture (see ``build``), its sizes, and how it looks at images."""

    architecture: str
    network: NetworkConfig
    tracking: TrackingConfig


DASTM = Preset("dastm", DastmConfig(), TrackingConfig())


def _gated(mode: str) -> Preset:
    return DASTM._replace(network=replace(DASTM.network, gate=mode))


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

# Of DASTM's sizes, so that they can start from its weights and learn something in minutes.
TINY = {
    "backbone": "mobileone",
    "widths": DASTM.network.widths,
    "depths": DASTM.network.depths,
    "channels": 128,
    "head_channels": 128,
    "head_depth": 3,
    "head_kind": "separable",
}


def _ustam(network: UstamConfig) -> Preset:
    """USTAM's search window is 4.5 times the target, its template window 2 times (MixViT).

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
        size_rate=1.0,
        tracking_score=0.03,
        lost_score=0.015,
        recover_score=0.05,
    )
    return Preset("ustam", network, tracking)


USTAM_LARGE = UstamConfig(channels=1024, depth=24, heads=16, query_size=384, template_size=192)

PRESETS = {
    "stmtrack": STMTRACK,
    "stmtrack_tiny": Preset("stmtrack", StmtrackConfig(**TINY), DASTM.tracking),
    "stif": Preset("stif", StifConfig(), replace(STMTRACK.tracking, memory_capacity=4)),
    "stif_tiny": Preset(
        "stif",
        StifConfig(**TINY),
        replace(DASTM.tracking, memory_size=DASTM.tracking.query_size, memory_capacity=4),
    ),
    "dastm": DASTM,
    "dastm_soft": _gated("soft"),
    "dastm_random": _gated("random"),
    "dastm_skip": _gated("skip"),
    "dastm_se": _gated("se"),
    "dastm_ca": _gated("ca"),
    "dastm_cbam": _gated("cbam"),
    "sastm": _gated("static"),
    "dastm_large": Preset(
        "dastm",
        DastmConfig(
            widths=VARIANTS["s2"][0],
            depths=DEPTHS,
            channels=512,
            head_channels=256,
            head_depth=7,
            head_kind="conv",
        ),
        TrackingConfig(query_size=288, memory_size=288, search_factor=4.0),
    ),
    "ustam_b288": _ustam(UstamConfig()),
    "ustam_b384": _ustam(UstamConfig(query_size=384, template_size=192)),
    "ustam_l384": _ustam(USTAM_LARGE),
    "ustam_tiny": _ustam(
        UstamConfig(
            channels=128,
            depth=4,
            heads=4,
            query_size=144,
            template_size=64,
            patch=8,
            widths=DASTM.network.widths,
            depths=DASTM.network.depths,
            head_channels=96,
        )
    ),
}


def preset(name: str) -> Preset:
    """The preset of a name. Raises ParameterError naming those that there are."""
    if name not in PRESETS:
        raise ParameterError(f"model {name!r} is unknown; there is {', '.join(PRESETS)}")
    return PRESETS[name]

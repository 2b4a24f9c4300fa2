"""Networks by the names that users know, with the geometry they track with."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ..core.config import TrackingConfig
from ..core.errors import ParameterError
from .config import NetworkConfig
from .dastm import DastmConfig
from .mobileone import DEPTHS, VARIANTS


class Preset(NamedTuple):
    """An architecture (see ``build``), its sizes, and how it looks at images."""

    architecture: str
    network: NetworkConfig
    tracking: TrackingConfig


DASTM = Preset("dastm", DastmConfig(), TrackingConfig())


def _gated(mode: str) -> Preset:
    return DASTM._replace(network=replace(DASTM.network, gate=mode))


PRESETS = {
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
}


def preset(name: str) -> Preset:
    """The preset of a name. Raises ParameterError naming those that there are."""
    if name not in PRESETS:
        raise ParameterError(f"model {name!r} is unknown; there is {', '.join(PRESETS)}")
    return PRESETS[name]

"""From a name and a configuration to a network. One line for each architecture."""

from __future__ import annotations

from torch import nn

from ..core.config import TrackingConfig
from ..core.errors import ModelError
from . import dastm
from .step import Step

ARCHITECTURES = {"dastm": (dastm.Dastm, dastm.DastmConfig, dastm.steps)}


def _known(architecture: str):
    if architecture not in ARCHITECTURES:
        raise ModelError(
            f"architecture {architecture!r} is unknown; there is {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[architecture]


def build(architecture: str, network: dict) -> nn.Module:
    """A fresh network. ``network`` holds values of the architecture's configuration dataclass.

    Raises ModelError for an unknown architecture, TypeError or ValueError for unknown values.
    """
    make, config, _ = _known(architecture)
    return make(config.from_dict(network))


def steps(network: nn.Module, tracking: TrackingConfig) -> dict[str, Step]:
    """The steps that engines run and export writes, by name."""
    for make, _, split in ARCHITECTURES.values():
        if isinstance(network, make):
            return split(network, tracking)
    raise ModelError(f"{type(network).__name__} is not a network of this package")

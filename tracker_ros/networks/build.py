"""Networks from a name and a configuration: one line for each architecture."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from ..core.config import TrackingConfig
from ..core.errors import ModelError, brief
from .architectures import dastm, dastm_filter, dastsiam, siamfc, stif, stmtrack, ustam
from .config import NetworkConfig
from .step import Step


class Architecture(NamedTuple):
    """The network's class, its configuration's class, and how it is split into steps."""

    network: type[nn.Module]
    config: type[NetworkConfig]
    steps: Callable[[nn.Module, TrackingConfig], dict[str, Step]]


ARCHITECTURES = {
    "stmtrack": Architecture(stmtrack.Stmtrack, stmtrack.StmtrackConfig, stmtrack.steps),
    "stif": Architecture(stif.Stif, stif.StifConfig, stif.steps),
    "dastm": Architecture(dastm.Dastm, dastm.DastmConfig, dastm.steps),
    "dastm_filter": Architecture(
        dastm_filter.DastmFilter, dastm_filter.DastmFilterConfig, dastm_filter.steps
    ),
    "ustam": Architecture(ustam.Ustam, ustam.UstamConfig, ustam.steps),
    "dastsiam": Architecture(dastsiam.Dastsiam, dastsiam.DastsiamConfig, dastsiam.steps),
    "siamfc": Architecture(siamfc.Siamfc, siamfc.SiamfcConfig, siamfc.steps),
}

MOST_WEIGHTS = 500_000_000  # the papers' largest network has 318 million


def build(architecture: str, network: dict) -> nn.Module:
    """A fresh network. ``network`` holds values of the architecture's configuration dataclass.

    Raises ModelError for an unknown architecture or values that make no network.
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(
            f"architecture {architecture!r} is unknown; there is {', '.join(ARCHITECTURES)}"
        )
    made = ARCHITECTURES[architecture]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of weights without numbers: they are refused
            config = made.config.from_dict(network)
            with _limited():
                built = made.network(config)
        _check(built)
    except ImportError:  # which says by itself what is missing
        raise
    except Exception as error:  # a configuration can break a network in many ways
        raise ModelError(f"these values make no {architecture}: {brief(error)}") from error
    return built


@contextmanager
def _limited() -> Iterator[None]:
    """Raise ValueError where more than ``MOST_WEIGHTS`` are made, before they take the memory."""
    count = 0

    def add(module: nn.Module, name: str, weights: nn.Parameter) -> None:
        nonlocal count
        count += weights.numel()
        if count > MOST_WEIGHTS:
            raise ValueError(f"it would have more than {MOST_WEIGHTS:,} weights")

    hook = register_module_parameter_registration_hook(add)
    try:
        yield
    finally:
        hook.remove()


def _check(network: nn.Module) -> None:
    """Raise ValueError for sizes that torch takes, though no network comes of them."""
    for name, tensor in network.named_parameters():
        if not tensor.numel():
            raise ValueError(f"{name} would have no weights, but shape {list(tensor.shape)}")


def _check_stride(network: nn.Module, tracking: TrackingConfig) -> None:
    """Raise ValueError where a tracker would take cells for larger or smaller than they are."""
    stride = getattr(getattr(network, "query_trunk", network), "stride", tracking.stride)
    if stride != tracking.stride:
        raise ValueError(
            f"stride is {tracking.stride}, but the network has cells of {stride} pixels"
        )


def steps(network: nn.Module, tracking: TrackingConfig) -> dict[str, Step]:
    """The steps that engines run and export writes, by name.

    Raises ModelError where network and geometry do not fit each other.
    """
    for made in ARCHITECTURES.values():
        if type(network) is made.network:
            with fitting():
                _check_stride(network, tracking)
                return made.steps(network, tracking)
    raise ModelError(f"{type(network).__name__} is not a network of this package")


def check_steps(network: nn.Module, tracking: TrackingConfig) -> None:
    """Run each step once, on the network's device, which must be the CPU.

    Raises ModelError where one cannot run: sizes that pass one by one, but do not fit together.
    """
    training = network.training
    try:
        with fitting(), torch.no_grad():
            for step in steps(network.eval(), tracking).values():
                step.module(*step.inputs.values())
    finally:
        network.train(training)


@contextmanager
def fitting() -> Iterator[None]:
    """Turn whatever sizes that do not fit together break into a ModelError."""
    try:
        yield
    except (ModelError, ImportError):
        raise
    except ValueError as error:
        raise ModelError(str(error)) from error
    except Exception as error:  # torch raises many types
        raise ModelError(f"network and crops do not fit each other: {brief(error)}") from error

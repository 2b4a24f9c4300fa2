"""Networks to and from safetensors, which cannot execute code on loading."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from ...core.config import TrackingConfig
from ...core.errors import ModelError, brief
from ...core.io.files import replacing
from ...core.io.names import utf8_name
from ...networks.build import build
from .facts import KEY, make_facts, pack_facts, unpack_facts
from .seal import NO_SEAL, SEAL_KEY, check_seal, seal


def save_network(
    path: str | Path,
    network: nn.Module,
    architecture: str,
    tracking: TrackingConfig,
    training: dict,
    half: bool = False,
) -> None:
    """Write weights and facts to ``path`` (atomically); ``half``: as float16, half the size.

    Whatever the file holds, ``load_network`` makes a float32 network of it. Raises ModelError for
    weights that it would refuse, OSError where the file cannot be written.
    """
    path = Path(path)
    state = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    try:
        _check_values(network, state)
    except ModelError as error:
        raise ModelError(f"model file {path} is not written: {error}") from None
    path.parent.mkdir(parents=True, exist_ok=True)
    config: Any = network.config
    facts = pack_facts(make_facts(architecture, config.to_dict(), tracking, training))
    content = save(state, {KEY: facts, SEAL_KEY: NO_SEAL})  # its own errors of writing name no file
    with replacing(path) as part:
        part.write_bytes(content)
        seal(part)


def load_network(path: str | Path) -> tuple[nn.Module, dict]:
    """Build the network that ``path`` describes, with its weights; and the facts.

    Raises ModelError: missing, corrupt or truncated file, unknown architecture, weights that do
    not fit the configuration.
    """
    path = Path(path)
    check_seal(path)
    try:
        with utf8_name(path) as name, safe_open(name, "pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"model file {path} cannot be read: {brief(error)}") from error
    facts = unpack_facts(metadata, path)
    try:
        network = build(facts["architecture"], facts["network"])
        _check_values(network, state)
        network.load_state_dict(state)
    except ModelError as error:
        raise ModelError(f"model file {path}: {error}") from error
    except Exception as error:  # a configuration out of a file can break a network in many ways
        raise ModelError(
            f"model file {path}: the weights do not fit the network they describe: {brief(error)}"
        ) from error
    return network.eval(), facts


def _check_values(network: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Raise ModelError for tensors that a network would take, and answer wrongly with.

    Where a gate does not choose them, its answers would not even show it.
    """
    own = network.state_dict()
    for name, value in state.items():
        if not torch.isfinite(value).all():
            raise ModelError(f"{name} is not finite")
        if name.endswith("running_var") and (value < 0).any():  # its root is no number
            raise ModelError(f"{name} is negative")
        if name in own and value.is_floating_point() != own[name].is_floating_point():
            raise ModelError(f"{name} is of {value.dtype}, not of {own[name].dtype}")

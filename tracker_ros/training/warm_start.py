"""Starting a network from the weights of another one that shares parts with it."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from ..core.errors import ModelError
from ..engines.store import load_network
from . import checkpoint


def warm_start(network: nn.Module, path: str | Path) -> list[str]:
    """Copy every tensor whose name and shape fit into ``network``; returns their names.

    Args:
        path: a model's .safetensors, or a checkpoint of ``train`` (its averaged weights).
    Raises:
        ModelError: the file cannot be used, or nothing in it fits.
    """
    path, own = Path(path), network.state_dict()
    if path.suffix == ".safetensors":
        given = load_network(path)[0].state_dict()
    else:
        content = checkpoint.load(path)
        given = content.get("average") if isinstance(content, dict) else None
        if not isinstance(given, dict):
            raise ModelError(f"{path} is no checkpoint of a training run")
    fitting = {
        name: value
        for name, value in given.items()
        if name in own and own[name].shape == value.shape
    }
    if not fitting:
        raise ModelError(f"nothing in {path} fits this {type(network).__name__}")
    network.load_state_dict(fitting, strict=False)
    return list(fitting)

"""Starting a network from a pre-trained backbone, or from another network that shares parts."""

from pathlib import Path

from torch import nn

from ..core.errors import ModelError, brief
from ..engines.models.store import load_network
from .optimisation.optimisers import backbones
from .records import checkpoint


def warm_start(network: nn.Module, path: str | Path) -> set[str]:
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
        given = checkpoint.plain_tensors(path, given)
    fitting = {
        name: value
        for name, value in given.items()
        if name in own and own[name].shape == value.shape
    }
    if not fitting:
        raise ModelError(f"nothing in {path} fits this {type(network).__name__}")
    checkpoint.check_finite(path, fitting)
    network.load_state_dict(fitting, strict=False)
    return set(fitting)


def load_backbone(network: nn.Module, path: str | Path) -> dict:
    """Copy a backbone of ``convert`` into each backbone of ``network``; returns its facts.

    Raises ModelError: the file cannot be used, or does not fit.
    """
    content = checkpoint.load(path)
    if not (isinstance(content, dict) and isinstance(content.get("facts"), dict)):
        raise ModelError(f"{path} is no backbone of `tracker-ros convert`")
    state = checkpoint.plain_tensors(path, content.get("trunk"))
    checkpoint.check_finite(path, state)
    try:
        for trunk in backbones(network):
            trunk.load_state_dict(state)
        return content["facts"]
    except RuntimeError as error:
        raise ModelError(
            f"backbone checkpoint {path} does not fit the network: {brief(error)}"
        ) from error

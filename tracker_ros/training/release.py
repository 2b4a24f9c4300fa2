"""Release of a checkpoint as a model: averaged weights, facts, ONNX graphs."""

from dataclasses import replace
from pathlib import Path

from ..core.config import TrackingConfig
from ..core.errors import ModelError, brief
from ..engines.models.export import export_model
from ..engines.models.store import save_network
from ..networks.build import build
from .records import checkpoint


def release(
    path: str | Path, target: str | Path, facts: dict | None = None, tracking: dict | None = None
) -> list[Path]:
    """``write_weights`` and the ONNX graphs beside them; returns the paths written."""
    write_weights(path, target, facts, tracking)
    return [Path(target), *export_model(target, Path(target).parent)]


def write_weights(
    path: str | Path,
    target: str | Path,
    facts: dict | None = None,
    tracking: dict | None = None,
    half: bool = False,
) -> None:
    """Write the averaged weights of checkpoint ``path`` to ``target`` (NAME.safetensors).

    Args:
        facts: added to what the checkpoint knows (data, steps, samples, minutes, seed, commits,
            hardware, backbone, validation, the whole training config).
        tracking: values that replace those of the checkpoint's tracking config (tuned afterwards).
        half: store them as float16.
    Raises:
        ModelError: the checkpoint cannot be used.
    """
    content = checkpoint.load(path)
    try:
        run = content["identity"]
        network = build(run["architecture"], run["network"])
        network.load_state_dict(content["average"])
        config = content["config"]
        told = {
            **content["facts"],
            "steps": content["step"],
            "batch": config["batch"],
            "samples": content["step"] * config["batch"],
            "minutes": round(content["elapsed"] / 60, 1),
            "seed": config["seed"],
            "config": config,
            "validation": content["best"],
        }
        values = replace(TrackingConfig.from_dict(run["tracking"]), **(tracking or {}))
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ModelError(
            f"checkpoint {path} is not one of `tracker-ros train`: {brief(error)}"
        ) from error
    save_network(target, network, run["architecture"], values, told | (facts or {}), half)

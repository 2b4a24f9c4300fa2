"""From a checkpoint to a model that ships: averaged weights, facts, ONNX graphs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..core.config import TrackingConfig
from ..core.errors import ModelError, brief
from ..engines.export import export_model
from ..engines.store import save_network
from ..networks.build import build
from . import checkpoint


def release(
    path: str | Path, target: str | Path, facts: dict | None = None, tracking: dict | None = None
) -> list[Path]:
    """Write ``target`` (NAME.safetensors) and its ONNX graphs from checkpoint ``path``.

    Args:
        facts: added to what the checkpoint knows (data, steps, samples, minutes, seed, commits,
            hardware, backbone, validation, the whole training config).
        tracking: values that replace those of the checkpoint's tracking config (tuned afterwards).
    Returns the paths written. Raises ModelError for an unusable checkpoint.
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
    target = Path(target)
    save_network(target, network, run["architecture"], values, told | (facts or {}))
    return [target, *export_model(target, target.parent)]

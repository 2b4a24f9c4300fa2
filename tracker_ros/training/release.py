"""Release of a checkpoint as a model: averaged weights, facts, ONNX graphs."""

from pathlib import Path

from ..core.config import TrackingConfig
from ..core.errors import ModelError, brief
from ..engines.models.export import export_model
from ..engines.models.store import save_network
from ..networks.build import build
from .records import checkpoint


def release(path: str | Path, target: str | Path) -> list[Path]:
    """Write the averaged weights of checkpoint ``path`` to ``target``, and ONNX graphs beside it.

    With them stands what the checkpoint knows: data, steps, samples, minutes, seed, commits,
    hardware, backbone, validation, the whole training config. Returns the paths written. Raises
    ModelError if the checkpoint cannot be used.
    """
    content = checkpoint.load_dict(path)
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
        tracking = TrackingConfig.from_dict(run["tracking"])
    except (LookupError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"checkpoint {path} is not one of `tracker-ros train`: {brief(error)}"
        ) from error
    save_network(target, network, run["architecture"], tracking, told)
    return [Path(target), *export_model(target, Path(target).parent)]

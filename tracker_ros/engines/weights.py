"""Model files: where they are, what they say about themselves, and whether they belong together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..core.config import TrackingConfig
from ..core.errors import ModelError
from ..paths import share_dir

FORMAT = 1
KEY = "tracker_ros"  # metadata entry, in safetensors and ONNX files alike
STEPS = ("locate", "remember")


@dataclass(frozen=True)
class ModelFiles:
    """The files of one model: ``NAME.safetensors`` and one ``NAME.STEP.onnx`` for each step."""

    name: str
    folder: Path

    @property
    def weights(self) -> Path:
        """Weights for the torch engine."""
        return self.folder / f"{self.name}.safetensors"

    def graph(self, step: str) -> Path:
        """Graph of one step for the ONNX engine."""
        return self.folder / f"{self.name}.{step}.onnx"

    @property
    def has_weights(self) -> bool:
        return self.weights.is_file()

    @property
    def has_graphs(self) -> bool:
        return all(self.graph(step).is_file() for step in STEPS)


def find_model(model: str | Path) -> ModelFiles:
    """The files of a shipped name (``dastm``) or of a path to any file of a model.

    Raises ModelError naming what is missing and what there is.
    """
    path = Path(model)
    if path.suffix in (".safetensors", ".onnx"):
        if not path.is_file():
            raise ModelError(f"model file {path} does not exist")
        name = path.stem
        if path.suffix == ".onnx":
            name, dot, step = name.rpartition(".")
            if not dot or step not in STEPS:
                raise ModelError(f"model file {path} is not named NAME.{'|'.join(STEPS)}.onnx")
        return ModelFiles(name, path.parent)
    folder = share_dir() / "models"
    files = ModelFiles(str(model), folder)
    if path.name == str(model) and (files.has_weights or files.has_graphs):
        return files
    known = sorted(found.stem for found in folder.glob("*.safetensors"))
    raise ModelError(
        f"model {str(model)!r} is neither a .safetensors or .onnx file nor a shipped name "
        f"({', '.join(known) or 'none is installed'})"
    )


def pack_facts(architecture: str, network: dict, tracking: TrackingConfig, training: dict) -> str:
    """The metadata entry of a model file, as JSON."""
    return json.dumps(
        {
            "format": FORMAT,
            "architecture": architecture,
            "network": network,
            "tracking": tracking.to_dict(),
            "training": training,
        },
        sort_keys=True,
    )


def unpack_facts(text: str | None, path: Path) -> dict:
    """Check and parse the metadata entry of ``path``. Raises ModelError naming the file."""
    if text is None:
        raise ModelError(
            f"model file {path} carries no {KEY} facts: it was not written by this package"
        )
    try:
        facts = json.loads(text)
        if facts["format"] != FORMAT:
            raise ModelError(
                f"model file {path} has format {facts['format']}, this version reads {FORMAT}"
            )
        for name in ("architecture", "network", "tracking", "training"):
            facts[name]
        TrackingConfig.from_dict(facts["tracking"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ModelError(f"model file {path} carries malformed facts: {error!r}") from error
    return facts


def same_model(first: dict, first_path: Path, second: dict, second_path: Path) -> None:
    """Raise ModelError with both sides named if two files do not belong to one model."""
    for name in first:
        if first[name] != second.get(name):
            raise ModelError(
                f"{first_path} and {second_path} do not belong together: {name} is "
                f"{first[name]!r} in the one and {second.get(name)!r} in the other"
            )

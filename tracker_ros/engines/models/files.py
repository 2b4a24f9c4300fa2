"""The files of a model: their names, where they are, and the steps that have a graph each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import ModelError
from ...core.io.paths import no_file, share_dir

STEPS = ("start", "locate", "remember", "trunk", "match", "learn")  # of all networks
# Architectures that keep a memory of frames. They have no step ``start``: a target starts by
# memorising its first frame.
MEMORY_NETWORKS = ("stmtrack", "dastm", "dastm_filter")
# Of these, those in which one step, ``trunk``, computes features for all the others.
SHARED_TRUNK = ("dastm_filter",)
# What of a tracking config is about one kind of tracker alone.
ONLINE = ("filter_rate", "scale_rate", "scale_step", "opinion_place")
REFINED = ("refine_place", "refine_scale", "refine_shape", "refine_network")
RANKED = ("penalty", "size_rate", "size_trust")
REMEMBERED = ("memory_capacity", "memory_segments", "last_score")
NEXT = "next_"  # in a graph, before an output's name that is also an input's


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
        """Whether the torch engine can run it."""
        return self.weights.is_file()

    @property
    def first_graph(self) -> Path:
        """The graph to open first: its facts tell which others there are."""
        trunk = self.graph("trunk")
        return trunk if trunk.is_file() else self.graph("locate")

    @property
    def has_graphs(self) -> bool:
        """Whether the ONNX engine can run it: each step has a graph."""
        return any(
            all(self.graph(step).is_file() for step in steps)
            for steps in (("locate", "remember"), ("trunk", "match", "learn"))
        )


def find_model(model: str | Path) -> ModelFiles:
    """The files of a shipped name (``dastm``) or of a path to any file of a model.

    Raises ModelError naming what is missing and what there is.
    """
    if not isinstance(model, str | Path):
        raise ModelError(f"model is {model!r}, neither a name nor a path")
    try:
        return _find(Path(model), str(model))
    except OSError as error:  # a name that is too long, a folder that others may not look into
        raise ModelError(f"model file {model} cannot be read: {error.strerror}") from error


def _find(path: Path, model: str) -> ModelFiles:
    if path.suffix in (".safetensors", ".onnx"):
        if reason := no_file(path):
            raise ModelError(f"model file {path} {reason}")
        name = path.stem
        if path.suffix == ".onnx":
            name, dot, step = name.rpartition(".")
            if not dot or step not in STEPS:
                raise ModelError(f"model file {path} is not named NAME.{'|'.join(STEPS)}.onnx")
        return ModelFiles(name, path.parent)
    folder = share_dir() / "models"
    files = ModelFiles(model, folder)
    if path.name == model and (files.has_weights or files.has_graphs):
        return files
    known = sorted(found.stem for found in folder.glob("*.safetensors"))
    raise ModelError(
        f"model {model!r} is neither a .safetensors or .onnx file nor a shipped name "
        f"({', '.join(known) or 'none is installed'})"
    )


def idle_tracking(architecture: str, network: Mapping) -> dict[str, str]:
    """The values of a ``TrackingConfig`` that have no effect here, each with the reason.

    network: what the facts of a model say of it.
    """
    shared = architecture in SHARED_TRUNK
    online = shared and network.get("filter", "online") == "online"
    idle: dict[str, str] = {}
    if not online:
        idle |= dict.fromkeys((*ONLINE, *REFINED), "this network learns nothing online")
    elif not network.get("refine"):
        idle |= dict.fromkeys(REFINED, "this network refines no boxes")
    if online:
        idle |= dict.fromkeys(RANKED, "what is learned online gives the box")
    if architecture not in MEMORY_NETWORKS:
        idle |= dict.fromkeys(REMEMBERED, f"the memory of {architecture} has one size")
    return idle


def steps_of(architecture: str) -> tuple[str, ...]:
    """The names of the steps of a network of this architecture."""
    if architecture in SHARED_TRUNK:
        return "trunk", "match", "learn"
    if architecture in MEMORY_NETWORKS:
        return "locate", "remember"
    return "start", "locate", "remember"

"""Model files: where they are, their facts, and whether they belong together."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...core.config import TrackingConfig
from ...core.errors import ModelError, brief
from ...core.io.paths import share_dir

FORMAT = 1
KEY = "tracker_ros"  # metadata entry, in safetensors and ONNX files alike
STEPS = ("start", "locate", "remember", "trunk", "match", "learn")
# They start as they remember: without a step for it.
MEMORY_NETWORKS = ("stmtrack", "dastm", "dastm_filter")
SHARED_TRUNK = ("dastm_filter",)  # what these see of a crop serves all that is done with it
NEXT = "next_"  # in a graph, before an output's name that is also an input's

INT8_KEY = "int8"  # metadata entry of a graph that computes in 8 bits
SEAL_KEY = "seal"  # metadata entry: the digest of the file with zeros in the digest's place
MOST_HEADER = 10**8  # bytes, as in the format's own reader
SEAL = re.compile(rb"tracker_ros-sha256-[0-9a-f]{64}")
NO_SEAL = "tracker_ros-sha256-" + 64 * "0"


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
    def first_graph(self) -> Path:
        """The graph to open first: its facts tell which others there are."""
        trunk = self.graph("trunk")
        return trunk if trunk.is_file() else self.graph("locate")

    @property
    def has_graphs(self) -> bool:
        return any(
            all(self.graph(step).is_file() for step in steps)
            for steps in (("locate", "remember"), ("trunk", "match", "learn"))
        )


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


def steps_of(architecture: str) -> tuple[str, ...]:
    """The names of the steps of a network of this architecture."""
    if architecture in SHARED_TRUNK:
        return "trunk", "match", "learn"
    return STEPS[1:3] if architecture in MEMORY_NETWORKS else STEPS[:3]


def make_facts(
    architecture: str, network: dict, tracking: TrackingConfig, training: dict | None = None
) -> dict:
    """What a model says about itself: architecture, sizes, how it tracks and was trained."""
    facts = {"architecture": architecture, "network": network, "tracking": tracking.to_dict()}
    return facts | {"training": training or {}}


def pack_facts(facts: dict) -> str:
    """The metadata entry of a model file, as JSON."""
    return json.dumps({"format": FORMAT, **facts}, sort_keys=True)


def unpack_facts(metadata: Mapping[str, str], path: Path) -> dict:
    """Check and parse the facts in the metadata of ``path``. Raises ModelError naming the file."""
    text = metadata.get(KEY)
    if text is None:
        raise ModelError(
            f"model file {path} carries no {KEY} facts: it was not written by this package"
        )
    if SEAL_KEY in metadata and not SEAL.fullmatch(metadata[SEAL_KEY].encode(errors="replace")):
        raise ModelError(f"model file {path} is corrupt: its checksum is none")
    try:
        facts = json.loads(text)
        if facts["format"] != FORMAT:
            raise ModelError(f"it has format {facts['format']!r}, this version reads {FORMAT}")
        kinds = {"architecture": str, "network": dict, "tracking": dict, "training": dict}
        for name, kind in kinds.items():
            if not isinstance(facts[name], kind):
                raise TypeError(f"{name} is {facts[name]!r}")
        TrackingConfig.from_dict(facts["tracking"])
    except ModelError as error:
        raise ModelError(f"model file {path}: {error}") from error
    except (json.JSONDecodeError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"model file {path} carries malformed facts: {error!r}") from error
    return facts


def with_tracking(facts: dict, tracking: TrackingConfig | None, compiled: bool) -> dict:
    """Facts with other values of the tracker.

    ``compiled``: for graphs, whose crops have a fixed size. Raises ModelError where a value that is
    changed is built into a graph.
    """
    if tracking is None:
        return facts
    values = tracking.to_dict()
    if compiled:
        built_in = ["query_size", "memory_size", "stride"]
        built_in += ["search_factor"] if facts["architecture"] == "siamfc" else []
        old = TrackingConfig.from_dict(facts["tracking"]).to_dict()
        for name in built_in:
            if values[name] != old[name]:
                raise ModelError(
                    f"{name} is {values[name]}, but the graphs were made for {old[name]}; the torch"
                    " engine can change it"
                )
    return {**facts, "tracking": values}


def seal(path: Path) -> None:
    """Fill in the digest of a file that was written with ``NO_SEAL`` in its metadata."""
    data = bytearray(path.read_bytes())
    start = data.index(NO_SEAL.encode())
    data[start : start + len(NO_SEAL)] = _digest(data)
    path.write_bytes(data)


def check_seal(path: Path) -> None:
    """Raise ModelError if ``path`` is missing, or is not byte for byte what was written.

    Most of a model file is numbers. Without this check, damage there would go unnoticed, and only
    make the boxes worse.
    """
    try:
        data = bytearray(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"model file {path} does not exist") from error
    except OSError as error:
        raise ModelError(f"model file {path} cannot be read: {error.strerror}") from error
    found = SEAL.search(data)
    if found is None:
        return  # cut short, damaged there or of another origin: ``unpack_facts`` says which
    written = found.group()
    data[slice(*found.span())] = NO_SEAL.encode()
    if _digest(data) != written:
        raise ModelError(f"model file {path} is corrupt: its content does not match its checksum")


def _digest(data: bytearray) -> bytes:
    return b"tracker_ros-sha256-" + hashlib.sha256(data).hexdigest().encode()


def read_facts(path: Path) -> dict:
    """The facts of a ``.safetensors`` file, by its header alone. Raises ModelError naming it."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MOST_HEADER:
                raise ValueError("its header has no length that makes sense")
            metadata = json.loads(file.read(length)).get("__metadata__", {})
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(f"model file {path} cannot be read: {brief(error)}") from error
    return unpack_facts(metadata, path)


def check_graphs(files: ModelFiles, facts: dict) -> None:
    """Raise ModelError if graphs, which say ``facts``, are of other weights than those beside them.

    Whoever names the weights would get boxes of older ones. Weights that cannot be read do not
    matter to graphs, which have checksums of their own.
    """
    if not files.has_weights:
        return
    try:
        told = read_facts(files.weights)
    except ModelError:
        return
    # Graphs say how they track in the fields of the version that exported them.
    told, facts = (
        {**one, "tracking": TrackingConfig.from_dict(one["tracking"]).to_dict()}
        for one in (told, facts)
    )
    if told != facts:
        raise ModelError(
            f"the graphs of {files.weights} are of other weights: `tracker-ros export"
            f" {files.weights}` makes them anew, the torch engine does without"
        )


def same_model(first: dict, first_path: Path, second: dict, second_path: Path) -> None:
    """Raise ModelError with both files named if they do not belong to one model."""
    for name in first:
        if first[name] != second.get(name):
            raise ModelError(
                f"{first_path} and {second_path} do not belong together: {name} differs"
            )

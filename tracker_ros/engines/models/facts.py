"""The facts in a model file: what it says about itself, and whether files belong together."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ...core.config import TrackingConfig
from ...core.errors import ModelError, brief
from .files import ModelFiles
from .seal import SEAL, SEAL_KEY

FORMAT = 1
KEY = "tracker_ros"  # metadata entry, in safetensors and ONNX files alike
INT8_KEY = "int8"  # metadata entry of a graph that computes in 8 bits
# Metadata entries of a graph; those of earlier versions have none of them.
STEP_KEY = "step"  # which step it is, whatever its name
WEIGHTS_KEY = "weights"  # the fingerprint of what it was made of
MOST_HEADER = 10**8  # bytes, as in the format's own reader


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
        # SiamFC's scales and the refiner of boxes count in units of the target's side.
        if facts["architecture"] == "siamfc" or facts["network"].get("refine"):
            built_in.append("search_factor")
        old = TrackingConfig.from_dict(facts["tracking"]).to_dict()
        for name in built_in:
            if values[name] != old[name]:
                raise ModelError(
                    f"{name} is {values[name]}, but the graphs were made for {old[name]}; the torch"
                    " engine can change it"
                )
    return {**facts, "tracking": values}


def read_facts(path: Path) -> dict:
    """The facts of a ``.safetensors`` file, by its header alone. Raises ModelError naming it."""
    with _reading(path) as (header, _):
        metadata = header.get("__metadata__", {})
    return unpack_facts(metadata, path)


def fingerprint(path: Path) -> str:
    """What tells the tensors of a ``.safetensors`` file from all others, whatever its facts are.

    Raises ModelError naming it.
    """
    with _reading(path) as (header, file):
        header.pop("__metadata__", None)
        digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
        digest.update(file.read())
    return digest.hexdigest()


@contextmanager
def _reading(path: Path) -> Iterator[tuple[dict, BinaryIO]]:
    """The header of a ``.safetensors`` file, and the file, read up to there.

    Raises ModelError naming it, also for a header that is no dictionary.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MOST_HEADER:
                raise ValueError("its header has no length that makes sense")
            yield json.loads(file.read(length)), file
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(f"model file {path} cannot be read: {brief(error)}") from error


def check_graphs(files: ModelFiles, facts: dict, made_of: str | None) -> None:
    """Raise ModelError if graphs are of other weights than those beside them.

    Whoever names the weights would get boxes of older ones. Weights that cannot be read do not
    matter to graphs, which have checksums of their own.

    Args:
        facts: what the graphs say. made_of: the fingerprint of their weights; None: they have none.
    """
    if not files.has_weights:
        return
    try:
        told = read_facts(files.weights)
        changed = made_of is not None and made_of != fingerprint(files.weights)
    except ModelError:
        return
    # Graphs say how they track in the fields of the version that exported them.
    told, facts = (
        {**one, "tracking": TrackingConfig.from_dict(one["tracking"]).to_dict()}
        for one in (told, facts)
    )
    if told != facts or changed:
        raise ModelError(
            f"the graphs of {files.weights} are of other weights: `tracker-ros export"
            f" {files.weights}` makes them anew, the torch engine does without"
        )


def same_model(first: dict, first_path: Path, second: dict, second_path: Path) -> None:
    """Raise ModelError with both files named if they do not belong to one model.

    first, second: facts, and under ``WEIGHTS_KEY`` the fingerprint of what each was made of.
    """
    for name in first:
        if first[name] != second.get(name):
            raise ModelError(
                f"{first_path} and {second_path} do not belong together: they differ in {name}"
            )

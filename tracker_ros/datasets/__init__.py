"""Public sets in their published layouts, one file a set: truth, absence, cover and label."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..core.errors import SourceError
from ..core.io.paths import real
from ..sources.sequences import Sequence, find_sequences
from . import got10k, lasot, trackingnet
from .otb import read_otb
from .tlp import read_tlp
from .track import Track
from .uav123 import read_uav123

FOLDER = "folder"  # plain folders in OTB's layout
# What yields the test sequences of a folder.
BENCHMARKS: dict[str, Callable[[Path], Iterator[Track]]] = {
    "otb": read_otb,
    "lasot": lasot.read_testing,
    "got10k": got10k.read_testing,
    "trackingnet": trackingnet.read_testing,
    "uav123": read_uav123,
    "tlp": read_tlp,
}
SCORED_AS = {FOLDER: "otb", "trackingnet": "server"}  # those that are not called as their set
SERVERS = ("got10k", "trackingnet")  # may have truth of the first frames alone


def read_benchmark(name: str, folder: str | Path) -> tuple[list[Sequence], str]:
    """The sequences of FOLDER or of a set, and the key in ``evaluation.protocols.PROTOCOLS``.

    Raises SourceError naming file and line of anything malformed, or if there is no sequence.
    """
    folder = real(folder)
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder")
    if name == FOLDER:
        sequences = find_sequences(folder)
    else:
        sequences = [track.sequence(folder) for track in BENCHMARKS[name](folder)]
    if not sequences:
        raise SourceError(f"{folder} holds no sequence of {name}")
    public = any(len(one) == 1 or not np.isnan(one.truth[1:]).all() for one in sequences)
    if not public and name in SERVERS:
        return sequences, "server"
    if not public and name != "lasot":  # where a frame without target counts, as a miss
        raise SourceError(f"{folder}: no frame after the first has a true box to score against")
    return sequences, SCORED_AS.get(name, name)

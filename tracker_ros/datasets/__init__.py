"""Public sets in their published layouts, one file a set: truth, absence, cover and label."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..core.errors import SourceError
from ..sources.sequences import Sequence, find_sequences
from . import got10k, lasot, trackingnet
from .otb import read_otb
from .tlp import read_tlp
from .track import Track
from .uav123 import read_uav123


class Benchmark(NamedTuple):
    """A function that yields the test sequences of a folder, and the key of the protocol."""

    read: Callable[[Path], Iterator[Track]]
    protocol: str


FOLDER = "folder"  # plain folders in OTB's layout
BENCHMARKS = {
    "otb": Benchmark(read_otb, "otb"),
    "lasot": Benchmark(lasot.read_testing, "lasot"),
    "got10k": Benchmark(got10k.read_testing, "got10k"),
    "trackingnet": Benchmark(trackingnet.read_testing, "server"),
    "uav123": Benchmark(read_uav123, "uav123"),
    "tlp": Benchmark(read_tlp, "tlp"),
}


def read_benchmark(name: str, folder: str | Path) -> tuple[list[Sequence], str]:
    """The sequences of FOLDER or of a set, and the key in ``evaluation.protocols.PROTOCOLS``.

    Raises SourceError naming file and line of anything malformed, or if there is no sequence.
    """
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder")
    if name == FOLDER:
        sequences, protocol = find_sequences(folder), "otb"
    else:
        benchmark = BENCHMARKS[name]
        sequences = [track.sequence(folder) for track in benchmark.read(folder)]
        protocol = benchmark.protocol
    if not sequences:
        raise SourceError(f"{folder} holds no sequence of {name}")
    public = any(len(one) == 1 or not np.isnan(one.truth[1:]).all() for one in sequences)
    return sequences, protocol if public else "server"

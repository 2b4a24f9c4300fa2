"""Readers of the benchmarks in their published layouts, one file a set."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...core.errors import SourceError
from ...sources.sequences import Sequence, find_sequences
from .got10k import read_got10k
from .lasot import read_lasot
from .otb import read_otb
from .tlp import read_tlp
from .trackingnet import read_trackingnet
from .uav123 import read_uav123


class Dataset(NamedTuple):
    """A function that lists the sequences of a folder, and the key of the set's protocol."""

    read: Callable[[Path], list[Sequence]]
    protocol: str


DATASETS = {
    "folder": Dataset(find_sequences, "otb"),
    "otb": Dataset(read_otb, "otb"),
    "lasot": Dataset(read_lasot, "lasot"),
    "got10k": Dataset(read_got10k, "got10k"),
    "trackingnet": Dataset(read_trackingnet, "server"),
    "uav123": Dataset(read_uav123, "uav123"),
    "tlp": Dataset(read_tlp, "tlp"),
}


def read_dataset(name: str, folder: str | Path) -> tuple[list[Sequence], str]:
    """The sequences of a set, and the key in `protocols.PROTOCOLS` by which they are scored.

    Raises SourceError naming file and line of anything malformed, or if there is no sequence.
    """
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder")
    sequences = DATASETS[name].read(folder)
    if not sequences:
        raise SourceError(f"{folder} holds no sequence of {name}")
    return sequences, DATASETS[name].protocol if any(map(_has_truth, sequences)) else "server"


def _has_truth(sequence: Sequence) -> bool:
    return len(sequence) == 1 or not np.isnan(sequence.truth[1:]).all()

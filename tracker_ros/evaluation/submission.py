"""Submission files in the formats of the servers that keep the truth of their test sets.

GOT-10k: a zip of NAME/NAME_001.txt, a box x,y,w,h a frame, and NAME/NAME_time.txt, seconds a frame.
TrackingNet: a zip of NAME.txt, a box x,y,w,h a frame.
Where a tracker was not run, box and seconds are 0: a miss.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.io.files import replacing
from .results import SequenceResult


def write_submission(dataset: str, results: Iterable[SequenceResult], path: Path) -> None:
    """Write the results of one tracker as ``path``, a zip that the set's server takes.

    The same results give the same bytes. Raises InputError for a set without a server.
    """
    if dataset not in FORMATS:
        raise InputError(f"nothing can be submitted for {dataset}; only for {', '.join(FORMATS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for result in results:
            for name, text in FORMATS[dataset](result):
                archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def _got10k(result: SequenceResult) -> Iterator[tuple[str, str]]:
    name = result.sequence
    yield f"{name}/{name}_001.txt", _lines(result.boxes, "%.3f")
    yield f"{name}/{name}_time.txt", _lines(result.seconds[:, None], "%.8f")


def _trackingnet(result: SequenceResult) -> Iterator[tuple[str, str]]:
    yield f"{result.sequence}.txt", _lines(result.boxes, "%.2f")


FORMATS: dict[str, Callable[[SequenceResult], Iterator[tuple[str, str]]]] = {
    "got10k": _got10k,
    "trackingnet": _trackingnet,
}


def _lines(rows: np.ndarray, form: str) -> str:
    numbers = np.nan_to_num(rows)
    return "".join(",".join(form % value for value in row) + "\n" for row in numbers)

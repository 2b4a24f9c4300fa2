"""A bank of what the frozen trunk sees of samples, in files: the refiner learns from it alone."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Subset

from ...core.errors import ModelError, SourceError, brief
from ...core.io.files import replacing, write_json
from ...core.online.reference import REGION, around
from ..records.checkpoint import same_run, writing
from ..samples.batches import plain_errors
from .samples import KINDS, QUERIES, Sample, Samples

PART = 1000  # samples a file
TOGETHER = 8  # samples whose crops the trunk sees in one batch

See = Callable[[np.ndarray], np.ndarray]  # uint8 [B, S, S, 3] → float32 [B, C, n, n]


def row_type(channels: int) -> np.dtype:
    """One sample of the bank.

    reference: float16 [C, REGION, REGION], around the target's centre in the first frame.
    shape: float32 [2], the logarithms of its sides (``Look.truth``).
    regions: float16 [QUERIES, C, REGION, REGION], around the places that were believed.
    truths: float32 [QUERIES, 4], see ``Look.truth``. kind: index into KINDS.
    """
    grid = (channels, REGION, REGION)
    return np.dtype(
        [
            ("reference", np.float16, grid),
            ("shape", np.float32, 2),
            ("regions", np.float16, (QUERIES, *grid)),
            ("truths", np.float32, (QUERIES, 4)),
            ("kind", np.int8),
        ]
    )


class Bank:
    """The files of a folder, mapped, not read.

    Args:
        folder: that ``make_bank`` filled. pairs: how many of its samples, from the first one on.
    Attributes:
        kinds: int64 [N], indices into KINDS.
    Raises:
        SourceError: a file is missing or damaged.
    """

    def __init__(self, folder: str | Path, pairs: int):
        self._parts = []
        for path, start, stop in _parts(Path(folder), pairs):
            try:
                part = np.load(path, mmap_mode="r")
                if len(part) < stop - start or part.dtype.names is None:
                    raise ValueError("it holds other arrays")
            except (OSError, ValueError, EOFError) as error:
                raise SourceError(
                    f"{path} cannot be read ({brief(error)}): delete it, and the same command makes"
                    " it again"
                ) from None
            self._parts.append(part[: stop - start])
        self.kinds = np.concatenate([part["kind"] for part in self._parts]).astype(int)

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def channels(self) -> int:
        """Of a region."""
        return self._parts[0].dtype["reference"].shape[0]

    def batch(self, rows: np.ndarray, queries: np.ndarray) -> tuple[torch.Tensor, ...]:
        """Samples ``rows``, each with one of its queries: all int64 [B].

        Returns reference [B, C, R, R], shape [B, 2], region [B, C, R, R], truth [B, 4]: float32.
        """
        found = [
            (part["reference"], part["shape"], part["regions"][query], part["truths"][query])
            for part, query in (
                (self._parts[row // PART][row % PART], query)
                for row, query in zip(rows.tolist(), queries.tolist(), strict=True)
            )
        ]
        return tuple(
            torch.from_numpy(np.stack(column).astype(np.float32))
            for column in zip(*found, strict=True)
        )


def make_bank(
    folder: str | Path,
    samples: Samples,
    see: See,
    pairs: int,
    identity: dict,
    workers: int = 0,
    tell: Callable[[str], None] = print,
) -> Bank:
    """Fill ``folder`` with ``pairs`` samples; files that are there already are kept.

    Args:
        see: the frozen trunk. identity: what decides the content; it is kept beside the files.
        workers: processes that decode and crop. tell: takes a line for each file.
    Raises:
        ModelError: the folder holds the bank of another identity.
        SourceError: samples cannot be drawn. TrackerError: a file cannot be written.
    """
    folder = Path(folder)
    _check_identity(folder / "bank.json", identity)
    for path, start, stop in _parts(folder, pairs):
        if _length(path) >= stop - start:
            continue
        loader = DataLoader(
            Subset(samples, range(start, stop)),
            TOGETHER,
            num_workers=workers,
            collate_fn=list,
            worker_init_fn=_start_worker,
        )
        with plain_errors():
            rows = np.concatenate([_rows(batch, see) for batch in loader])
        with writing(path), replacing(path) as part, open(part, "wb") as file:
            np.save(file, rows)
        count = np.bincount(rows["kind"], minlength=len(KINDS))
        told = ", ".join(f"{n} {kind}" for kind, n in zip(KINDS, count, strict=True))
        tell(f"{path.name}: {stop} of {pairs} pairs ({told})")
    return Bank(folder, pairs)


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)  # one core a worker: the others belong to the trunk
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C the process that waits says a line


def _parts(folder: Path, pairs: int) -> Iterator[tuple[Path, int, int]]:
    """Each file with the first and the end of its samples."""
    for start in range(0, pairs, PART):
        yield folder / f"pairs-{start // PART:04}.npy", start, min(start + PART, pairs)


def _length(path: Path) -> int:
    """Number of samples in a file; 0 where it is not there or damaged: it is then made again."""
    try:
        return len(np.load(path, mmap_mode="r"))
    except (OSError, ValueError, EOFError):
        return 0


def _rows(batch: list[Sample], see: See) -> np.ndarray:
    features = see(np.concatenate([sample.crops for sample in batch]))
    rows = np.zeros(len(batch), row_type(features.shape[1]))
    for row, sample, grids in zip(rows, batch, np.split(features, len(batch)), strict=True):
        places = zip(grids, sample.places.tolist(), strict=True)
        first, *later = [around(grid, x, y) for grid, (x, y) in places]
        row["reference"], row["regions"] = first[0], np.concatenate(later)
        row["shape"], row["truths"] = sample.truths[0, 2:], sample.truths[1:]
        row["kind"] = sample.kind
    return rows


def _check_identity(path: Path, identity: dict) -> None:
    if not path.exists():
        with writing(path):
            write_json(path, identity)
        return
    try:
        theirs = json.loads(path.read_text(encoding="utf-8"))
        same_run(path, theirs, identity)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is not that of a bank: {brief(error)}") from None

"""Batches of labelled pictures for backbone pre-training, and how they are changed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from ...core.errors import SourceError
from .sets import LabelledSet


class LabelledPictures(Dataset):
    """All pictures of several sets; each set keeps classes of its own.

    A picture that cannot be read is named on stderr, counted in ``skipped``, and None instead.
    """

    def __init__(self, sets: Sequence[LabelledSet], size: int):
        self.sets, self.size = list(sets), size
        self.starts = np.cumsum([0, *(len(part.labels) for part in sets)])
        # First column of each set's classes in the classifier's output, and the end.
        self.spans = np.cumsum([0, *(len(part.classes) for part in sets)]).tolist()
        self._skipped = torch.zeros(1, dtype=torch.int64).share_memory_()
        self._reported: set[str] = set()

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def skipped(self) -> int:
        """Pictures that could not be read so far, in all worker processes."""
        return int(self._skipped)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int, int] | None:
        """Picture uint8 [S, S, 3], number of its set, its label within the set."""
        number = int(np.searchsorted(self.starts, index, "right")) - 1
        part, row = self.sets[number], int(index - self.starts[number])
        try:
            return part.picture(row, self.size), number, int(part.labels[row])
        except SourceError as error:
            self._skipped += 1
            if str(error) not in self._reported:
                self._reported.add(str(error))
                print(f"tracker-ros: warning: {error}; it is skipped", file=sys.stderr)
            return None


class PictureBatch(NamedTuple):
    """B pictures uint8 [B, S, S, 3] BGR, int64 [B] numbers of their sets, int64 [B] labels."""

    images: Tensor
    sets: Tensor
    labels: Tensor


def _collate(samples: Sequence[tuple[np.ndarray, int, int] | None]) -> PictureBatch | None:
    """Stack what could be read; None if nothing could."""
    read = [sample for sample in samples if sample is not None]
    if not read:
        return None
    images, sets, labels = zip(*read, strict=True)
    return PictureBatch(
        torch.from_numpy(np.stack(images)), torch.tensor(sets), torch.tensor(labels)
    )


def load(
    pictures: LabelledPictures, batches: Iterable[np.ndarray], workers: int
) -> Iterable[PictureBatch | None]:
    """The pictures of the rows of each batch, decoded in ``workers`` processes (0: in this)."""
    return DataLoader(
        pictures,
        batch_sampler=_Rows(batches),
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_quiet_worker,
        prefetch_factor=4 if workers else None,
        generator=torch.Generator(),  # the network's chance stays as it is
    )


class _Rows:
    """A batch sampler of given batches."""

    def __init__(self, batches: Iterable[np.ndarray]):
        self._batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        return (rows.tolist() for rows in self._batches)


def _quiet_worker(_: int) -> None:
    cv2.setNumThreads(0)  # one core a worker: the others belong to the network


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip, turn, zoom, shift, saturation, brightness, cast: each picture in its own way.

    uint8 [B, H, W, 3] → float32 [B, 3, H, W], [-1, 1] before the light changes. The chance comes
    from a generator on the CPU, wherever the images are.
    """
    batch, size, device = images.shape[0], images.shape[1], images.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (torch.rand(shape, generator=generator) * (high - low) + low).to(device)

    x = normalised(images)
    flip = uniform(0, 1, batch) < 0.5
    x = torch.where(flip[:, None, None, None], x.flip(3), x)
    angle, zoom = uniform(-0.2, 0.2, batch), uniform(0.65, 1.1, batch)
    shift = uniform(-0.25, 0.25, batch, 2)
    ratio = uniform(-0.15, 0.15, batch).exp()
    theta = torch.stack(
        [
            torch.stack([angle.cos() * zoom * ratio, -angle.sin() * zoom, shift[:, 0]], 1),
            torch.stack([angle.sin() * zoom, angle.cos() * zoom / ratio, shift[:, 1]], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [batch, 3, size, size], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    grey = x.mean(1, keepdim=True)
    saturation = uniform(0.4, 1.6, batch, 1, 1, 1)
    saturation[uniform(0, 1, batch) < 0.1] = 0
    x = (x - grey) * saturation + grey
    return x * uniform(0.6, 1.4, batch, 1, 1, 1) + uniform(-0.3, 0.3, batch, 3, 1, 1) * 0.5


def normalised(images: Tensor) -> Tensor:
    """uint8 [B, H, W, 3] → float32 [B, 3, H, W] in [-1, 1]."""
    return images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)

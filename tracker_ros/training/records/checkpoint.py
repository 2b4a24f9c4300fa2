"""Checkpoints: written atomically, read back without executing anything."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ...core.errors import ModelError, TrackerError, brief
from ...core.io.files import replacing


@contextmanager
def writing(path: Path, kept: str = "") -> Iterator[None]:
    """Turns a write that fails (a full disk, say) into a TrackerError; ``kept`` ends it."""
    try:
        yield
    except OSError as error:
        raise TrackerError(f"{path} cannot be written: {error.strerror}{kept}") from error


def save(path: str | Path, content: dict) -> None:
    """Write ``content`` so that ``path`` is at any moment the old file or the whole new one.

    Raises TrackerError where it cannot be written; the old file is then intact.
    """
    path = Path(path)
    with writing(path, "; the one before it is intact" if path.exists() else ""):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A Python file, whose errors name their cause; torch's own writer hides it.
        with replacing(path) as part, open(part, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())


def load(path: str | Path) -> dict:
    """Read a checkpoint (tensors and plain types only). Raises ModelError naming the file."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f"checkpoint {path} does not exist") from error
    except Exception as error:  # torch raises many types for a corrupt file
        raise ModelError(f"checkpoint {path} cannot be read: {brief(error)}") from error


def same_run(path: Path, theirs: dict, ours: dict) -> None:
    """Raise ModelError naming both sides if a checkpoint is of another run than this one."""
    for name, mine in ours.items():
        other = theirs[name]
        if other == mine:
            continue
        if isinstance(other, dict) and isinstance(mine, dict):
            keys = [key for key in {**other, **mine} if other.get(key) != mine.get(key)]
            other, mine = ({key: side.get(key) for key in keys} for side in (other, mine))
        raise ModelError(f"{path} was trained with {name} {other!r}, not {mine!r}")

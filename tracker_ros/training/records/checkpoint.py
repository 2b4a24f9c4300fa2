"""Checkpoints: written atomically, read back without executing anything."""

import hashlib
import io
import os
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from textwrap import shorten
from typing import Any

import torch

from ...core.errors import ModelError, TrackerError, brief
from ...core.io.files import replacing
from ...core.io.paths import no_file


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
    path, saved = Path(path), io.BytesIO()
    torch.save(content, saved)  # not to the file: torch hides why a write fails
    with writing(path, "; the one before it is intact" if path.exists() else ""):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part, open(part, "wb") as file:
            file.write(saved.getbuffer())
            file.flush()
            os.fsync(file.fileno())


def load_dict(path: str | Path) -> dict:
    """``load`` where it is values by name. Raises ModelError where it is anything else."""
    content = load(path)
    if not isinstance(content, dict):
        raise ModelError(f"checkpoint {path} is no checkpoint of a training: it holds no names")
    return content


def check_file(path: str | Path) -> None:
    """Raise ModelError where ``path`` is no file; to read a pipe would wait for ever."""
    if reason := no_file(Path(path)):
        raise ModelError(f"checkpoint {path} {reason}")


def load(path: str | Path) -> Any:
    """Read what torch saved, of tensors and plain types; no code in it is run.

    Raises ModelError naming the file.
    """
    check_file(path)
    try:
        with warnings.catch_warnings():  # of pickles that torch did not write; they are refused
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        if not (found := re.search(r"(?:GLOBAL|function) ([\w.]+)", str(error))):
            reason = "it is damaged, or torch did not write it"
            raise ModelError(f"checkpoint {path} cannot be read: {reason}") from None
        raise ModelError(
            f"checkpoint {path} can only be read by running code ({found.group(1)}), which is never"
            " done here; load it where its own code is, and save its state dict alone"
        ) from None
    except Exception as error:  # torch raises many types for a corrupt file
        raise ModelError(f"checkpoint {path} cannot be read: {brief(error)}") from None
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as file:
                damaged = file.testzip()  # torch writes checksums, but looks at none
        except Exception as error:  # what is damaged may be read as a method that there is not
            damaged = brief(error)
        if damaged:
            raise ModelError(f"checkpoint {path} cannot be read: it is damaged at {damaged}")
    return content


def plain_tensors(path: str | Path, found: object) -> dict[str, torch.Tensor]:
    """``found`` if it is tensors of numbers by name. Raises ModelError naming the file."""
    if not isinstance(found, dict) or not found:
        raise ModelError(f"checkpoint {path} holds no tensors by name")
    for name, value in found.items():
        if not (isinstance(name, str) and isinstance(value, torch.Tensor)):
            raise ModelError(
                f"checkpoint {path}: {shorten(repr(name), 80)} is no tensor with a name"
            )
        plain = value.layout is torch.strided and not value.is_meta
        if not plain or value.is_complex() or value.is_quantized:
            kind = f"{value.layout} of {value.dtype} on {value.device}"
            raise ModelError(f"checkpoint {path}: {name} is {kind}, not plain numbers")
    return found


def check_finite(path: str | Path, found: object, name: str = "") -> None:
    """Raise ModelError, naming file and tensor, for a number in ``found`` that is not finite.

    ``found``: a tensor or number, called ``name``, or such by name or in a row, in any depth.
    """
    if isinstance(found, dict | list | tuple):
        for key, value in found.items() if isinstance(found, dict) else enumerate(found):
            check_finite(path, value, f"{name}.{key}" if name else str(key))
        return
    number = isinstance(found, torch.Tensor | float)
    if number and not torch.isfinite(torch.as_tensor(found)).all():
        raise ModelError(f"checkpoint {path}: {name} is not finite")


def named(path: str | Path | None) -> str | None:
    """A file's name and what tells it from another of that name; None for none.

    Raises ModelError where ``path`` is no file.
    """
    if path is None:
        return None
    check_file(path)
    return f"{Path(path).name} ({hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]})"


def same_run(path: Path, theirs: dict, ours: dict) -> None:
    """Raise ModelError naming both sides if a checkpoint is of another run than this one."""
    for name, mine in ours.items():
        other = theirs.get(name)
        if other == mine:
            continue
        other, mine = differing(other, mine)
        raise ModelError(f"{path} was trained with {name} {other!r}, not {mine!r}")


def differing(one: Any, other: Any) -> tuple[Any, Any]:
    """Of two dicts what differs in them, in any depth; anything else as it is."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return one, other
    keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    pairs = [differing(one.get(key), other.get(key)) for key in keys]
    left, right = ({k: p[side] for k, p in zip(keys, pairs, strict=True)} for side in (0, 1))
    return left, right

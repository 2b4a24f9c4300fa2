"""Provenance of a run: data, commit, hardware."""

import os
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import torch

from ...core.io.paths import real
from ...evaluation.hardware import describe
from ...sources.sequences import find_sequences
from ..data.mixture import parse_spec


def data_names(data: str | Path | Sequence[str | Path]) -> list[str]:
    """``READER:FOLDER:WEIGHT`` of each set, with the folder's name only: sets move.

    Raises ParameterError.
    """
    specs = [parse_spec(text) for text in ([data] if isinstance(data, str | Path) else data)]
    return [
        f"{spec.reader}:{real(spec.folder).name}:{1 if spec.weight is None else spec.weight:g}"
        for spec in specs
    ]


def sequences_name(folder: Path) -> str:
    """The sequences in ``folder``: its name, their number, and what tells them from others.

    Scores on sequences of one such name compare. Raises SourceError where there are none.
    """
    found, digest = find_sequences(folder), sha256()
    for one in found:
        digest.update(os.fsencode(one.name) + one.truth.tobytes())
    return f"{real(folder).name}, {len(found)} sequences ({digest.hexdigest()[:12]})"


def commit() -> str | None:
    """The git commit of this package, with ``+`` after it if it was changed; None if unknown."""
    folder = Path(__file__).parents[2]

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)  # else it is another repository's
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "-uno", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def hardware(device: torch.device) -> str:
    """The name of the processor or accelerator that trains."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return describe()["cpu"]

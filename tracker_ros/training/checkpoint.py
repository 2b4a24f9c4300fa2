"""Checkpoints: written atomically, read back without executing anything."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from ..core.errors import ModelError, brief


def save(path: str | Path, content: dict) -> None:
    """Write ``content`` so that ``path`` is at any moment the old file or the whole new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(path.suffix + ".part")
    torch.save(content, part)
    os.replace(part, path)


def load(path: str | Path) -> dict:
    """Read a checkpoint (tensors and plain types only). Raises ModelError naming the file."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f"checkpoint {path} does not exist") from error
    except Exception as error:  # torch raises many types for a corrupt file
        raise ModelError(f"checkpoint {path} cannot be read: {brief(error)}") from error

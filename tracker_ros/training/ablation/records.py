"""What an ablation keeps in its folder, read back: a damaged file is named."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...core.errors import SourceError

TEXTS = ("variant", "test", "name")  # columns; the others are numbers


def read_scores(path: Path, *columns: str) -> list[dict]:
    """A list of scores, or the only one, with ``columns`` at least. Raises SourceError."""
    content = _read(path)
    rows = content if isinstance(content, list) else [content]
    if not rows or not all(_is_score(row, columns) for row in rows):
        raise damaged(path)
    return rows


def read_parts(path: Path, names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Costs of the parts ``names``, each ``macs`` and ``ms``. Raises SourceError."""
    content = _read(path)
    parts = [content.get(name) if isinstance(content, dict) else None for name in names]
    if not all(_numbers(part) and {"macs", "ms"} <= part.keys() for part in parts):
        raise damaged(path)
    return content


def read_settings(path: Path) -> dict | None:
    """Settings by name; None where the file is damaged."""
    content = _read(path)
    return content if isinstance(content, dict) else None


def damaged(path: Path) -> SourceError:
    return SourceError(f"{path} is damaged; delete it, and the same command makes it anew")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None


def _is_score(row: Any, columns: Iterable[str]) -> bool:
    if not (isinstance(row, dict) and _numbers(row.get("auc_of")) and {*columns} <= row.keys()):
        return False
    return all(isinstance(row[c], str) if c in TEXTS else _number(row[c]) for c in columns)


def _numbers(values: Any) -> bool:
    return isinstance(values, dict) and bool(values) and all(map(_number, values.values()))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

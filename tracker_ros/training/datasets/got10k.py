"""GOT-10k: NAME/{groundtruth.txt, absence.label, cover.label, meta_info.ini, 00000001.jpg …}."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...sources.annotations import flags_for, lines, listed, pictures
from ..data.clips import Clip, make_clip
from .folder import Folder, boxes_for


def read_got10k(folder: Path) -> Iterator[Clip]:
    """The sequences in ``list.txt`` of the train or val folder, without absent and covered frames.

    ``cover.label`` is 0 (covered) to 8 (fully visible). Raises SourceError.
    """
    store = Folder(folder)
    for name in listed(folder, "list.txt", "*/groundtruth.txt"):
        home = folder / name
        names = pictures(home)
        boxes = boxes_for(home / "groundtruth.txt", names)
        absent = flags_for(home / "absence.label", names)
        cover = flags_for(home / "cover.label", names)
        keep = (absent == 0) & (cover > 0)
        yield make_clip(store, names, boxes, keep=keep, folder=name, label=_label(home))


def _label(home: Path) -> str:
    path = home / "meta_info.ini"
    facts = dict(line.partition(":")[::2] for line in lines(path)) if path.is_file() else {}
    return facts.get("object_class", "").strip()

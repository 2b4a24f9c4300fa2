"""GOT-10k: NAME/{groundtruth.txt, absence.label, cover.label, meta_info.ini, 00000001.jpg …}."""

from pathlib import Path

from ...core.errors import SourceError
from ...sources.annotations import flags_for, lines, listed, read_boxes
from ...sources.sequences import Sequence
from .files import first_box_only, pictures_of


def read_got10k(folder: Path) -> list[Sequence]:
    """The sequences of the ``val`` or ``test`` folder, in the order of its ``list.txt``.

    Of ``val`` the first frame and frames with cover 0 (nothing visible) are not scored; of ``test``
    only the first box is known. Raises SourceError.
    """
    if not (folder / "list.txt").is_file() and any((folder / s).is_dir() for s in ("val", "test")):
        raise SourceError(f"{folder} is all of GOT-10k; name its folder val or test")
    return [_read(folder / name) for name in listed(folder, "list.txt", "*/groundtruth.txt")]


def _read(home: Path) -> Sequence:
    paths, truth = pictures_of(home), home / "groundtruth.txt"
    if not (home / "cover.label").is_file():
        return Sequence(home.name, paths, first_box_only(truth, len(paths)), truth)
    scored = flags_for(home / "cover.label", paths) > 0
    scored[0] = False
    return Sequence(home.name, paths, read_boxes(truth), truth, _attributes(home), scored)


def _attributes(home: Path) -> tuple[str, ...]:
    path = home / "meta_info.ini"
    facts = dict(line.partition(":")[::2] for line in lines(path)) if path.is_file() else {}
    kinds = (facts.get(name, "").strip() for name in ("major_class", "motion_class"))
    return tuple(filter(None, kinds))

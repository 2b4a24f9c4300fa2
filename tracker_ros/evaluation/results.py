"""Results of trackers on sequences: a folder that later runs complete and reports are made from.

FOLDER/evaluation.json            what was run: an ``Evaluation``
FOLDER/TRACKER/SEQUENCE.npz       what one tracker did on one sequence: a ``SequenceResult``
FOLDER/TRACKER/SEQUENCE.seconds.npy    its times, apart: all else is the same bytes in every run

Every file is written whole or not at all, so a killed run leaves a folder that can be gone on with.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from ..core.errors import InputError, SourceError
from ..core.gate import BRANCHES
from ..core.io.files import replacing, write_json
from ..core.io.locks import locked
from ..core.io.names import check_file_name

FORMAT = 1
FILE = "evaluation.json"


@dataclass(frozen=True, kw_only=True)
class SequenceResult:
    """One run of one tracker on one sequence of N frames; row 0 is the initialisation.

    sequence: its name; unique within an evaluation.
    boxes: float64 [N, 4], x y w h in pixels, for every frame, also while the target is lost. NaN
        rows: the tracker was not run there, and is lost.
    truth: float64 [N, 4]; NaN rows: the target is absent, or the truth is not public.
    scores: float64 [N], the tracker's own confidence in [0, 1]. lost: bool [N], frames on which
        it published no box. seconds: float64 [N], wall-clock time of the tracker alone, without
        decoding pictures; NaN where it was not run.
    gates: float32 [N, 4], weights in the order of ``core.gate.BRANCHES`` of the frame memorised
        last, NaN rows without a gate. branches: int8 [N], the index of the branch that ran; -1:
        none.
    scored: bool [N], False on frames that the set's protocol leaves out whatever their truth.
    size: width and height of the first picture in pixels.
    attributes: names that the set gives the sequence, as "occlusion".
    pictures: the frames' files, or () where frames are not files.
    """

    sequence: str
    boxes: np.ndarray
    truth: np.ndarray
    scores: np.ndarray
    seconds: np.ndarray
    lost: np.ndarray
    gates: np.ndarray
    branches: np.ndarray
    scored: np.ndarray
    size: tuple[int, int]
    attributes: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def judge(self) -> np.ndarray:
        """What it is scored by, truth and ``scored``: float64 [N, 5]."""
        return np.column_stack((self.truth, self.scored))

    def save(self, path: Path) -> None:
        """Write as ``path``, an .npz without pickles, and the times beside it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f.name: np.asarray(getattr(self, f.name)) for f in fields(self)}
        with replacing(_seconds_path(path)) as part, part.open("wb") as file:
            np.save(file, arrays.pop("seconds"))
        for name in ("attributes", "pictures"):
            arrays[name] = arrays[name].astype(np.str_)  # an empty tuple would be of floats
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: Path) -> "SequenceResult":
        """Read what ``save`` wrote. Raises SourceError for a missing, damaged or foreign file."""
        damaged, times = path, _seconds_path(path)
        try:
            with np.load(path, allow_pickle=False) as file:
                values = {f.name: file[f.name] for f in fields(cls) if f.name != "seconds"}
            damaged = times
            values["seconds"] = np.asarray(np.load(times, allow_pickle=False))
            damaged = path
            wrong = _misfit(values)
            if not wrong and (name := str(values["sequence"])) != path.stem:
                wrong = f"sequence: {name!r}"  # a copy, by which that one would count twice
            damaged = times if wrong.startswith("seconds:") else path
        except Exception as error:  # zip, zlib, NumPy: damage has many names
            # Without NumPy's words: of a foreign file they advise to unpickle it.
            wrong = type(error).__name__
        if wrong:
            raise SourceError(
                f"{damaged} is not a result of this version, or damaged ({wrong}); delete"
                f" {'it' if damaged == path else path}, and the same evaluation writes it again"
            )
        values["sequence"] = str(values["sequence"])
        for name in ("size", "attributes", "pictures"):
            values[name] = tuple(values[name].tolist())
        return cls(**values)


def _misfit(arrays: dict[str, np.ndarray]) -> str:
    """The first of a result's arrays that is not as ``SequenceResult`` says; "": all are."""
    count = len(arrays["truth"])
    wanted = {  # NumPy's letter for the kind of numbers, and the shape
        "sequence": ("U", ()),
        "truth": ("f", (count, 4)),
        "boxes": ("f", (count, 4)),
        "scores": ("f", (count,)),
        "seconds": ("f", (count,)),
        "lost": ("b", (count,)),
        "gates": ("f", (count, 4)),
        "branches": ("i", (count,)),
        "scored": ("b", (count,)),
        "size": ("i", (2,)),
        "attributes": ("U", (arrays["attributes"].size,)),
        "pictures": ("U", (count if arrays["pictures"].size else 0,)),
    }
    for name, layout in wanted.items():
        array = arrays[name]
        if (array.dtype.kind, array.shape) != layout:
            return f"{name}: {array.dtype} {list(array.shape)} for {count} frames"
    branches = arrays["branches"]
    known = (branches >= -1) & (branches < len(BRANCHES))
    if not known.all():
        return f"branches: {branches[~known][0]}"
    boxes = arrays["boxes"]
    whole = np.isfinite(boxes).all(1) | (np.isnan(boxes).all(1) & arrays["lost"])
    return "" if whole.all() else f"boxes: {boxes[~whole][0].tolist()} is published"


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz without pickles, whole or not at all, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def longest_name(path: Path) -> str:
    """The longest name of a file that is written for the result ``path``, for a while."""
    return f"{_seconds_path(path).name}.part"


def _seconds_path(path: Path) -> Path:
    return path.with_name(path.stem + ".seconds.npy")


@dataclass(frozen=True)
class Evaluation:
    """What was run on what. All values are JSON's.

    dataset: ``folder``, ``otb`` … protocol: a key of ``protocols.PROTOCOLS``.
    paths: where the sequences were read. sequences: their names, in the set's order; those whose
    results are missing were not reached yet.
    trackers: for each name {"settings": all that its results depend on ("provider" says what really
    ran the network), "facts": what the weights say about themselves, None for a peer}.
    hardware: each machine that took part, as ``hardware.describe`` has it.
    commands: what was called, in order.
    """

    dataset: str
    protocol: str
    paths: list[str]
    sequences: list[str]
    trackers: dict[str, dict]
    hardware: list[dict]
    commands: list[str] = field(default_factory=list)


def load_evaluation(folder: str | Path) -> Evaluation:
    """Read FOLDER/evaluation.json. Raises SourceError if it is missing or damaged."""
    path = Path(folder) / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise SourceError(f"{path} has another format than this version reads")
        evaluation = Evaluation(**content)
        _check(evaluation)
        return evaluation
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise SourceError(f"{path} does not describe an evaluation: {error}") from None


def _check(evaluation: Evaluation) -> None:
    """Raise TypeError or InputError for a value that is not as ``Evaluation`` says."""
    for name in ("dataset", "protocol"):
        if not isinstance(getattr(evaluation, name), str):
            raise TypeError(f"{name} is no text")
    for name in ("paths", "sequences", "hardware", "commands"):
        values, kind = getattr(evaluation, name), dict if name == "hardware" else str
        if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
            raise TypeError(f"{name} is no list of {'objects' if kind is dict else 'texts'}")
    if not isinstance(evaluation.trackers, dict):
        raise TypeError("trackers is no object")
    for name, about in evaluation.trackers.items():
        about = about if isinstance(about, dict) else {}
        if not isinstance(about.get("settings"), dict):
            raise TypeError(f"tracker {name!r} has no settings")
        if not isinstance(about.get("facts", ""), (dict, type(None))):
            raise TypeError(f"tracker {name!r} has no facts")
    for name in (*evaluation.trackers, *evaluation.sequences):
        check_file_name(name)
    if len({*evaluation.sequences}) < len(evaluation.sequences):  # would count twice
        raise TypeError("a sequence is there twice")


def join_evaluation(folder: Path, evaluation: Evaluation) -> Evaluation:
    """Start ``folder`` or go on with it: returns what it now describes, which may be more.

    Other trackers and sequences join those that are there. Raises InputError where results would
    not be comparable: another set or protocol, or a tracker of this name with other settings; and
    for a name that no file can have. Several processes may join at once.
    """
    _check(evaluation)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if (folder / FILE).is_file():
            evaluation = _merged(folder, load_evaluation(folder), evaluation)
        write_json(folder / FILE, {"format": FORMAT, **asdict(evaluation)})
    return evaluation


def _merged(folder: Path, old: Evaluation, new: Evaluation) -> Evaluation:
    for name in ("dataset", "protocol"):
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            raise InputError(f"{folder} holds results of {name} {before!r}, not of {now!r}")
    for tracker in old.trackers.keys() & new.trackers.keys():
        before, now = (side.trackers[tracker]["settings"] for side in (old, new))
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key):
                texts = [f" {side[key]!r}" for side in (before, now) if type(side.get(key)) is str]
                between = f":{texts[0]}, not{texts[1]}" if len(texts) == 2 else ""
                raise InputError(
                    f"{folder} holds results of {tracker!r} with other {key}{between};"
                    " choose another folder"
                )
    lists = {
        name: list(dict.fromkeys([*getattr(old, name), *getattr(new, name)]))
        for name in ("paths", "sequences", "commands")
    }
    hardware = [
        *old.hardware,
        *(machine for machine in new.hardware if machine not in old.hardware),
    ]
    return replace(old, trackers=old.trackers | new.trackers, hardware=hardware, **lists)


def result_path(folder: str | Path, tracker: str, sequence: str) -> Path:
    """Where the result of a tracker on a sequence is kept. Raises InputError for an odd name."""
    return Path(folder) / check_file_name(tracker) / f"{check_file_name(sequence)}.npz"


def update_seconds(results: Iterable[SequenceResult]) -> np.ndarray:
    """The time of each frame after the first that a tracker was run on, of all ``results``."""
    seconds = np.concatenate([result.seconds[1:] for result in results])
    return seconds[np.isfinite(seconds)]


def speed(results: Iterable[SequenceResult]) -> float | None:
    """Frames after the first for each second that they took; None without any."""
    seconds = update_seconds(results)
    return float(len(seconds) / seconds.sum()) if seconds.sum() > 0 else None


def load_results(folder: str | Path, tracker: str) -> Iterator[SequenceResult]:
    """The results of ``tracker`` that are there, in the order of the set. Raises SourceError."""
    for sequence in load_evaluation(folder).sequences:
        path = result_path(folder, tracker, sequence)
        if path.is_file():
            yield SequenceResult.load(path)

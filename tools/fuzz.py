"""Damaged files for every reader: each must be read as far as it goes, or named in one sentence.

`make fuzz` makes 2,000 of them (ARGS="--cases 20000 --seed 7" for more), in processes of their own,
so that a crash in OpenCV or FFmpeg is seen and counted, too. It prints a table, and exits 1 where a
case crashed, hung, or ended in an error that names no file.
"""

import argparse
import functools
import importlib.util
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

# What of the public sets is damaged; their pictures are as others are.
ANNOTATIONS = (
    ("got10k", "GOT-10k_Train_000001/groundtruth.txt"),
    ("got10k", "GOT-10k_Train_000001/absence.label"),
    ("got10k", "list.txt"),
    ("lasot", "cup-3/groundtruth.txt"),
    ("lasot", "cup-3/out_of_view.txt"),
    ("lasot", "training_set.txt"),
    ("trackingnet", "TRAIN_0/anno/A_b-1.txt"),
    ("coco", "annotations/instances_train2017.json"),
    (
        "vid",
        "Annotations/VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000/000001.xml",
    ),
    ("det", "Annotations/DET/train/ILSVRC2014_train_0000/x_00000001.xml"),
    ("youtube_bb", "yt_bb_detection_train.csv"),
    ("davis", "ImageSets/2017/train.txt"),
    ("davis", "Annotations/480p/bear/00001.png"),
    ("otb", "Walking/groundtruth_rect.txt"),
)
PATIENCE = 120.0  # seconds for a case, on a machine that is busy
FRAMES = 12


def originals(folder: Path) -> dict[str, Path]:
    """Sound files of every kind, by kind; what belongs to each lies beside it."""
    chance = np.random.default_rng(0)
    pictures = [cv2.resize(chance.integers(0, 255, (6, 8, 3), np.uint8), (64, 48))] * FRAMES
    found = {}
    for suffix in ("jpg", "png", "webp", "tiff", "bmp", "ppm"):
        found[suffix] = folder / f"picture.{suffix}"
        cv2.imwrite(str(found[suffix]), pictures[0])
    found["16-bit png"] = folder / "deep.png"
    cv2.imwrite(str(found["16-bit png"]), pictures[0][..., 0].astype(np.uint16) * 16)
    for suffix, codec in (("mp4", "mp4v"), ("avi", "MJPG"), ("mkv", "mp4v")):
        found[suffix] = folder / f"film.{suffix}"
        writer = cv2.VideoWriter(str(found[suffix]), cv2.VideoWriter.fourcc(*codec), 25, (64, 48))
        for picture in pictures:
            writer.write(picture)
        writer.release()
    make = _of_tests("bags.py")
    topics = {
        "/image": [make.image(picture, i) for i, picture in enumerate(pictures)],
        "/compressed": [make.compressed(picture, i) for i, picture in enumerate(pictures)],
        "/truth": [make.truth(i, make.detection((i, 2, 20, 30), i)) for i in range(FRAMES)],
    }
    for storage, suffix in (("mcap", "mcap"), ("sqlite3", "db3")):
        bag = make.write_bag(folder / f"bag-{suffix}", topics, storage)
        found[f"{suffix} bag"] = bag / f"{bag.name}.{suffix}"
        found[f"metadata of {suffix}"] = bag / "metadata.yaml"
    found["boxes"] = folder / "groundtruth_rect.txt"
    found["boxes"].write_text("".join(f"{i},{i / 3:.2f},20,30\n" for i in range(FRAMES)))
    found["truth table"] = folder / "truth.csv"
    rows = "".join(f"{i / 25},{i},2,20,30\n" for i in range(FRAMES))
    found["truth table"].write_text(f"stamp,x,y,w,h\n{rows}")
    found["result"], found["evaluation"] = _results(folder)
    found |= _model(folder)
    for name, file in ANNOTATIONS:
        home = folder / name
        _of_tests("datasets/conftest.py").SETS[name](home)
        found[f"{name}: {Path(file).name}"] = home / file
    return found


def _results(folder: Path) -> tuple[Path, Path]:
    from tracker_ros.evaluation.results import Evaluation, SequenceResult, join_evaluation

    n = FRAMES
    result = SequenceResult(
        sequence="walk",
        boxes=np.ones((n, 4)),
        truth=np.ones((n, 4)),
        scores=np.ones(n),
        seconds=np.ones(n),
        lost=np.zeros(n, bool),
        gates=np.ones((n, 4), np.float32),
        branches=np.zeros(n, np.int8),
        scored=np.ones(n, bool),
        size=(64, 48),
    )
    result.save(folder / "results" / "tracker" / "walk.npz")
    about = {"tracker": {"settings": {}, "facts": None}}
    join_evaluation(folder / "results", Evaluation("otb", "otb", ["x"], ["walk"], about, []))
    return folder / "results" / "tracker" / "walk.npz", folder / "results" / "evaluation.json"


def _model(folder: Path) -> dict[str, Path]:
    """Weights, graphs and a checkpoint."""
    import torch

    from tracker_ros.core.io.paths import share_dir

    found = {}
    for path in sorted((share_dir() / "models").glob("dastm_nano.*")):
        shutil.copy(path, folder)
        kind = "weights" if path.suffix == ".safetensors" else f"graph {path.stem}"
        found[kind] = folder / path.name
    found["checkpoint"] = folder / "last.pt"
    content = {"format": 1, "step": 3, "average": {"w": torch.zeros(40)}, "identity": {}}
    torch.save(content, found["checkpoint"])
    return found


@functools.cache
def _of_tests(file: str):
    """A module of the tests, which make bags and miniatures of the public sets."""
    path = Path(__file__).parents[1] / "test" / file
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(kind: str, path: Path) -> None:
    """Read everything of a file with the reader that users' files of this kind go to."""
    from tracker_ros.evaluation.results import SequenceResult, load_evaluation
    from tracker_ros.replay.truth import read_csv
    from tracker_ros.sources import open_source
    from tracker_ros.sources.annotations import read_boxes
    from tracker_ros.sources.folder import read_picture

    if kind == "boxes":
        read_boxes(path)
    elif kind == "truth table":
        read_csv(path)
    elif kind == "result":
        SequenceResult.load(path)
    elif kind == "evaluation":
        load_evaluation(path.parent)
    elif kind == "weights":
        from tracker_ros.engines.models.store import load_network

        load_network(path)
    elif kind.startswith("graph"):
        from tracker_ros.engines import load_tracker

        load_tracker(path, engine="onnx")
    elif kind == "checkpoint":
        from tracker_ros.training.records import checkpoint

        checkpoint.load(path)
    elif ":" in kind:
        from tracker_ros.training.data.public import open_set

        name = kind.partition(":")[0]
        for clip in open_set(name, next(home for home in path.parents if home.name == name)):
            clip.view(0, masked=True)
    elif "bag" in kind or "metadata" in kind:
        bag = path.parent if "metadata" in kind else path
        for topic in ("/image", "/compressed"):
            with open_source(bag, topic=topic) as source:
                _look(source)
                _ = source.truth
    elif path.suffix in (".mp4", ".avi", ".mkv"):
        with open_source(path) as source:
            _look(source)
    else:
        read_picture(path)


def _look(source) -> None:
    for count, frame in enumerate(source):
        assert frame.image.dtype == np.uint8 and frame.image.ndim == 3
        if count > 10 * FRAMES:  # a damaged index may promise any number
            break


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The bytes with some changed, cut out, doubled or cut off."""
    content = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if not content:
            break
        at = chance.randrange(len(content))
        length = chance.choice((1, 1, 2, 4, 16, 256))
        way = chance.randrange(5)
        if way == 0:
            content[at : at + length] = chance.randbytes(min(length, len(content) - at))
        elif way == 1:
            content[at : at + length] = chance.choice((b"\0", b"\xff", b"\x7f")) * length
        elif way == 2:
            del content[at : at + length]
        elif way == 3:
            content[at:at] = content[at : at + length]
        else:
            del content[at:]
    return bytes(content)


def _work(pipe, folder: str) -> None:
    """Read what comes by the pipe, in a process that may crash."""
    import logging

    from tracker_ros.core.errors import TrackerError

    logging.disable(logging.WARNING)
    cv2.setNumThreads(1)
    while (case := pipe.recv()) is not None:
        kind, path = case
        try:
            read(kind, Path(path))
            pipe.send(("read", ""))
        except TrackerError as error:
            sentence = str(error)
            good = folder in sentence and len(sentence.splitlines()) == 1
            pipe.send(("named" if good else "unnamed", sentence))
        except Exception as error:  # what is looked for
            pipe.send(("error", f"{type(error).__name__}: {error}"))


def fuzz(cases: int, seed: int, keep: Path) -> tuple[dict[str, Counter], list[str]]:
    """Make and read so many damaged files; returns outcomes by kind, and what was wrong."""
    context = multiprocessing.get_context("spawn")
    outcomes: dict[str, Counter] = {}
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        sound = originals(Path(name))
        kinds = list(sound)
        for kind, path in sound.items():
            read(kind, path)  # otherwise every damaged one would be named, too
        worker = None
        for number in range(cases):
            kind = kinds[number % len(kinds)]
            path = sound[kind]
            content = path.read_bytes()
            chance = random.Random(f"{seed} {number}")
            path.write_bytes(damaged(content, chance))
            if worker is None:
                mine, theirs = context.Pipe()
                worker = context.Process(target=_work, args=(theirs, name), daemon=True)
                worker.start()
                theirs.close()
            mine.send((kind, str(path)))
            try:
                outcome = mine.recv() if mine.poll(PATIENCE) else ("hung", "")
            except EOFError:
                worker.join()
                outcome = ("crash", f"exit code {worker.exitcode}")
            if outcome[0] in ("hung", "crash"):
                worker.kill()
                worker.join()
                worker = None
            outcomes.setdefault(kind, Counter())[outcome[0]] += 1
            if outcome[0] not in ("read", "named"):
                keep.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, keep / f"{seed}-{number}-{path.name}")
                wrong.append(f"{kind}, case {number}: {outcome[0]}: {outcome[1]}")
            path.write_bytes(content)
        if worker is not None:
            mine.send(None)
            worker.join(PATIENCE)
    return outcomes, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"))
    args = parser.parse_args()
    os.environ |= {"OPENCV_LOG_LEVEL": "SILENT", "OPENCV_FFMPEG_LOGLEVEL": "-8"}
    begin = time.monotonic()
    outcomes, wrong = fuzz(args.cases, args.seed, args.out)
    for kind, counts in outcomes.items():
        print(f"{kind:40}", *(f"{count:5} {name}" for name, count in sorted(counts.items())))
    for each in wrong:
        print(each)
    print(f"{args.cases} damaged files in {time.monotonic() - begin:.0f} s, {len(wrong)} wrong")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "fuzz.json").write_text(
        json.dumps({"outcomes": outcomes, "wrong": wrong}, indent=2)
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

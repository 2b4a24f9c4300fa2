"""kill -9 of the evaluator, the tracker on the command line and the trainer, at random moments.

`make kills` (ARGS="--kills 50 --seed 7"): each run is started again until it comes to its end.
Whatever a run had written before it was killed must still be there and whole; and what comes out at
the end must be what a run that was left alone writes. Exits 1 where that does not hold.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

SEQUENCES, FRAMES = 6, 60


def sequences(folder: Path) -> None:
    """OTB folders of a textured square that moves right over noise."""
    chance = np.random.default_rng(0)
    texture = cv2.resize(chance.integers(0, 255, (6, 6, 3), np.uint8), (40, 40))
    for number in range(SEQUENCES):
        home = folder / f"square{number}"
        (home / "img").mkdir(parents=True)
        background = chance.integers(60, 120, (120, 160, 3), np.uint8)
        lines = []
        for i in range(FRAMES):
            image, x = background.copy(), 10 + i + number
            image[40:80, x : x + 40] = texture
            cv2.imwrite(str(home / "img" / f"{i:04}.jpg"), image)
            lines.append(f"{x},40,40,40")
        (home / "groundtruth_rect.txt").write_text("\n".join(lines))


def run(*arguments) -> subprocess.Popen:
    """A command, in a session of its own, so that all its processes can be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "tracker_ros", *map(str, arguments)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def killed_until_done(command: tuple, kills: int, longest: float, chance: random.Random,
                      check: Callable[[], None]) -> int:  # fmt: skip
    """Start a command, kill it after a while, check what it left; then let it end.

    Returns how often it was killed before it had ended by itself.
    """
    count = 0
    for _ in range(kills):
        process = run(*command)
        try:
            process.wait(chance.uniform(0.2, longest))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            count += 1
        process.communicate()
        check()
    process = run(*command)
    _, err = process.communicate()
    assert process.returncode == 0, err
    check()
    return count


def evaluator(folder: Path, kills: int, chance: random.Random) -> int:
    """Results are kept, and are those of a run that was left alone, to the last bit."""
    from tracker_ros.evaluation.results import SequenceResult

    options = ("--peers-only", "--peer", "kcf,mosse", "--jobs", 2)
    alone, out = folder / "alone", folder / "killed"
    begin = time.monotonic()
    assert run("evaluate", folder / "sets", *options, "--out", alone).wait() == 0
    longest = time.monotonic() - begin
    seen: dict[Path, bytes] = {}

    def check() -> None:
        for path, content in seen.items():
            assert path.read_bytes() == content, f"{path} was lost or changed"
        for path in out.glob("*/*.npz"):
            SequenceResult.load(path)
            seen[path] = path.read_bytes()

    count = killed_until_done(
        ("evaluate", folder / "sets", *options, "--out", out), kills, longest, chance, check
    )
    assert len(seen) == 2 * SEQUENCES
    for path, content in seen.items():
        assert (alone / path.relative_to(out)).read_bytes() == content, f"{path} differs"
    return count


def tracker(folder: Path, kills: int, chance: random.Random) -> int:
    """An earlier table and video outlive a run that is killed; rows are whole but for the last."""
    table, film = folder / "boxes.csv", folder / "film.avi"
    command = ("track", folder / "sets" / "square0", "--model", "dastm_nano", "--csv", table,
               "--video", film)  # fmt: skip
    begin = time.monotonic()
    assert run(*command).wait() == 0
    longest = time.monotonic() - begin
    before = table.read_text().splitlines(), film.stat().st_size

    def check() -> None:
        rows = table.read_text().splitlines()
        assert len(rows) == 1 + FRAMES and [r.split(",")[0] for r in rows] == [
            r.split(",")[0] for r in before[0]
        ]
        capture = cv2.VideoCapture(str(film))
        assert sum(iter(lambda: capture.read()[0], False)) == FRAMES

    return killed_until_done(command, kills, longest, chance, check)


def trainer(folder: Path, kills: int, chance: random.Random) -> int:
    """There is a checkpoint that can be gone on with at any moment, and it never goes back."""
    import torch

    out = folder / "run"
    command = (
        *("train", f"otb:{folder / 'sets'}", "--recipe", "short", "--model", "dastm_nano"),
        *("--steps", 6, "--batch", 2, "--workers", 0, "--checkpoint-every", 1, "--out", out),
    )
    steps = [0]

    def check() -> None:
        path = out / "last.pt"
        assert path.exists() or steps == [0], "the checkpoint is gone"
        if path.exists():
            step = torch.load(path, map_location="cpu", weights_only=True)["step"]
            assert step >= steps[-1], f"step {step} after {steps[-1]}"
            steps.append(step)

    count = killed_until_done(command, kills, 25.0, chance, check)
    assert (out / "dastm_nano.safetensors").exists()
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=15, help="of each (15)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("evaluator", "tracker", "trainer"))
    args = parser.parse_args()
    failed = False
    for endure in (evaluator, tracker, trainer):
        if args.only not in (None, endure.__name__):
            continue
        with tempfile.TemporaryDirectory(prefix="kills-") as name:
            sequences(Path(name) / "sets")
            try:
                count = endure(Path(name), args.kills, random.Random(args.seed))
                print(f"{endure.__name__}: killed {count} times, nothing lost, came to its end")
            except AssertionError as error:
                failed = True
                print(f"{endure.__name__}: {error}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

"""kill -9 of the evaluator, the tracker on the command line and the trainer, at random moments.

`make kills` (ARGS="--kills 50 --seed 7"): each run is started again until it comes to its end.
Whatever a run had written before it was killed must still be there and whole; and what comes out at
the end must be what a run that was left alone writes. One that ends before it is killed begins
anew. Exits 1 where that does not hold.
"""

import argparse
import os
import random
import shutil
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


def seconds(*arguments) -> float:
    """How long a command takes that is left alone."""
    begin = time.monotonic()
    assert run(*arguments).wait() == 0
    return time.monotonic() - begin


def killed_again_and_again(
    command: tuple,
    kills: int,
    longest: float,
    chance: random.Random,
    check: Callable[[], None],
    finished: Callable[[], None] = lambda: None,
) -> None:
    """Start a command and kill it after a while, ``kills`` times; then let it end.

    ``check`` looks at what is there after each run; ``finished`` at what a run left that came to
    its end, and clears away what would keep the next one from beginning anew.
    """
    while True:
        process = run(*command)
        try:
            _, err = process.communicate(
                timeout=chance.uniform(0.2, max(longest, 1.0)) if kills else None
            )
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            check()
            kills -= 1
            continue
        assert process.returncode == 0, err
        check()
        finished()
        if not kills:
            return


def evaluator(folder: Path, kills: int, chance: random.Random) -> None:
    """Results are kept, and are those of a run that was left alone, to the last bit."""
    from tracker_ros.evaluation.results import SequenceResult

    options = ("--peers-only", "--peer", "kcf,mosse", "--jobs", 2)
    alone, out = folder / "alone", folder / "killed"
    longest = seconds("evaluate", folder / "sets", *options, "--out", alone)
    seen: dict[Path, bytes] = {}

    def check() -> None:
        for path, content in seen.items():
            assert path.read_bytes() == content, f"{path} was lost or changed"
        for path in out.glob("*/*.npz"):
            SequenceResult.load(path)
            seen[path] = path.read_bytes()

    def finished() -> None:
        assert len(seen) == 2 * SEQUENCES
        for path, content in seen.items():
            assert (alone / path.relative_to(out)).read_bytes() == content, f"{path} differs"
        shutil.rmtree(out)
        seen.clear()

    command = ("evaluate", folder / "sets", *options, "--out", out)
    killed_again_and_again(command, kills, longest, chance, check, finished)


def tracker(folder: Path, kills: int, chance: random.Random) -> None:
    """An earlier table and video outlive a run that is killed; rows are whole but for the last."""
    table, film = folder / "boxes.csv", folder / "film.avi"
    command = ("track", folder / "sets" / "square0", "--model", "dastm_nano", "--csv", table,
               "--video", film)  # fmt: skip
    longest = seconds(*command)
    before = table.read_text().splitlines()

    def check() -> None:
        rows = table.read_text().splitlines()
        assert [r.split(",")[0] for r in rows] == [r.split(",")[0] for r in before]
        capture = cv2.VideoCapture(str(film))
        assert sum(iter(lambda: capture.read()[0], False)) == FRAMES

    killed_again_and_again(command, kills, longest, chance, check)


def trainer(folder: Path, kills: int, chance: random.Random) -> None:
    """There is a checkpoint that can be gone on with at any moment, and it never goes back.

    What comes out at the end are the weights of a run that was left alone, to the last bit.
    """
    import torch
    from safetensors.numpy import load_file

    def command(out: Path) -> tuple:
        return (
            *("train", f"otb:{folder / 'sets'}", "--recipe", "short", "--model", "dastm_nano"),
            *("--steps", 6, "--batch", 2, "--workers", 0, "--checkpoint-every", 1, "--out", out),
        )

    def weights(out: Path) -> dict[str, bytes]:
        tensors = load_file(out / "dastm_nano.safetensors")
        return {name: tensor.tobytes() for name, tensor in tensors.items()}

    alone, out = folder / "alone", folder / "run"
    longest = seconds(*command(alone))
    steps = [0]

    def check() -> None:
        path = out / "last.pt"
        assert path.exists() or steps == [0], "the checkpoint is gone"
        if path.exists():
            step = torch.load(path, map_location="cpu", weights_only=True)["step"]
            assert step >= steps[-1], f"step {step} after {steps[-1]}"
            steps.append(step)

    def finished() -> None:
        assert weights(out) == weights(alone), "the weights differ"
        shutil.rmtree(out)
        steps[:] = [0]

    killed_again_and_again(command(out), kills, longest, chance, check, finished)


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
                endure(Path(name), args.kills, random.Random(args.seed))
                sentence = f"killed {args.kills} times, nothing lost, came to its end"
                print(f"{endure.__name__}: {sentence}", flush=True)
            except AssertionError as error:
                failed = True
                print(f"{endure.__name__}: {error}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

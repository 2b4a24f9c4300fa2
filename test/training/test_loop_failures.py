"""What ends a training: one sentence, the last good checkpoint intact, and it can go on."""

import csv
import errno
import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from itertools import islice
from pathlib import Path

import pytest
import torch

from tracker_ros.commands.common.terminal import run_course
from tracker_ros.core.errors import SourceError, TrackerError
from tracker_ros.networks.presets import PRESETS
from tracker_ros.training.losses.memory import memory_loss
from tracker_ros.training.records.failures import explained


def quiet(_):
    pass


def fails(run, *parts, kind=TrackerError):
    with pytest.raises(kind) as error:
        run.run(quiet)
    message = str(error.value)
    assert "\n" not in message and len(message) < 500
    assert all(str(part) in message for part in parts), message


@pytest.fixture
def good(trainer, tmp_path):
    """A run of two good steps: its folder, what its checkpoint holds, and the whole course."""
    whole = trainer(tmp_path / "whole")
    whole.run(quiet)
    run = trainer(tmp_path / "run", checkpoint_every=1, dies_at=2)
    with pytest.raises(trainer.Killed):
        run.run(quiet)
    return tmp_path / "run", (tmp_path / "run" / "last.pt").read_bytes(), whole.losses


def goes_on(trainer, good):
    """The checkpoint is what it was, and the run ends as if nothing had been."""
    folder, content, losses = good
    assert (folder / "last.pt").read_bytes() == content
    assert not (folder / "last.pt.part").exists()
    run = trainer(folder)
    run.run(quiet)
    assert run.losses == losses[2:]


def test_a_loss_that_is_not_finite_stops_before_it_does_harm(trainer, good):
    broken = trainer(good[0], checkpoint_every=1)
    with torch.no_grad():
        broken.model.head.score.bias.fill_(torch.nan)
    weights = broken.model.head.sides.weight.clone()
    fails(broken, "not finite at step 2", good[0] / "last.pt", "holds the last good weights")
    assert torch.equal(broken.model.head.sides.weight, weights)
    goes_on(trainer, good)


def test_a_gradient_that_is_not_finite_stops_too(trainer, tmp_path):
    learner = trainer(tmp_path)
    learner.model.head.sides.weight.register_hook(lambda gradient: gradient * torch.inf)
    weights = learner.model.label.weight.clone()
    fails(learner, "not finite at step 0", "no checkpoint holds the last good weights")
    assert torch.equal(learner.model.label.weight, weights)
    assert not (tmp_path / "last.pt").exists()


def test_a_scaled_gradient_that_overflows_is_left_out(trainer, tmp_path):
    learner = trainer(tmp_path, precision="fp16", steps=40)
    calls = []

    def overflow_once(gradient):
        calls.append(gradient)
        return gradient * (torch.inf if len(calls) == 1 else 1)

    learner.model.head.gain.register_hook(overflow_once)
    weights, batch = learner.model.label.weight, next(_batches(learner))
    for _ in range(20):  # others may overflow by themselves: it starts with 65536
        before, scale = weights.clone(), learner.scaler.get_scale()
        learner.train_step(batch)
        if not torch.equal(weights, before):
            break
        assert learner.scaler.get_scale() == scale / 2
    assert 1 < len(calls) < 20 and torch.isfinite(weights).all()


def _batches(learner):
    from tracker_ros.training.samples.batches import load_batches
    from tracker_ros.training.samples.sampling import Samples

    samples = Samples(learner.data, learner.preset.tracking, learner.config.sampling)
    return load_batches(samples, learner.config, learner.ranks, 0)


def test_out_of_memory(trainer, good):
    def greedy(model, *arguments):
        torch.empty(1 << 55, dtype=torch.uint8)  # more than any address space
        return memory_loss(model, *arguments)

    parts = "out of memory with 2 samples an update: lower --batch", "step 2", "holds the last good"
    fails(trainer(good[0], loss=greedy), *parts)
    goes_on(trainer, good)


def test_what_is_not_about_memory_keeps_its_name():
    told = r"out of memory with 7 samples .* at step 3"
    with pytest.raises(TrackerError, match=told), explained(7, lambda: "at step 3"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    with pytest.raises(RuntimeError, match="shapes differ"), explained(7, str):
        raise RuntimeError("shapes differ")


@pytest.mark.parametrize("name", ["last.pt.part", "log.csv"])
def test_a_full_disk(trainer, good, name):
    full = good[0] / name

    def loss(*arguments):  # from here on, every write to it fails as on a full disk
        full.symlink_to("/dev/full")
        return memory_loss(*arguments)

    told = f"{name.removesuffix('.part')} cannot be written: No space left on device"
    fails(trainer(good[0], loss=loss, checkpoint_every=1, log_every=1), good[0], told)
    full.unlink(missing_ok=True)
    goes_on(trainer, good)


def test_a_broken_picture_in_a_worker_process_is_one_sentence(trainer, shards, tmp_path):
    content = (shards / "video-0.tar").read_bytes()
    (tmp_path / "video-0.tar").write_bytes(content.replace(b"\x89PNG", b"\x89BAD"))
    (tmp_path / "imagenet1k-0.tar").write_bytes((shards / "imagenet1k-0.tar").read_bytes())
    sampling = {"weights": {"video": 1.0}}
    run = trainer(tmp_path / "run", data=tmp_path, workers=1, sampling=sampling)
    fails(run, tmp_path / "video-0.tar", "is not a picture", kind=SourceError)


def test_missing_data_is_one_sentence(trainer, tmp_path):
    run = trainer(tmp_path / "run", data=tmp_path / "nowhere")
    fails(run, tmp_path / "nowhere", "is not a folder", kind=SourceError)
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").touch()
    fails(run, tmp_path / "nowhere", kind=SourceError)
    assert (tmp_path / "run" / "notes.txt").exists()


SIZES = ["widths=8,8,16,24", "depths=1,1,1", "channels=16", "head_channels=16", "head_depth=1"]


@pytest.fixture
def training(shards, tmp_path):
    """A process of `tracker-ros train` that has done three steps and goes on."""
    command = [sys.executable, "-m", "tracker_ros", "train", str(shards), "--model=dastm_tiny"]
    command += ["--recipe=short"]
    command += [f"--network={size}" for size in SIZES]
    command += ["--tracking=query_size=64", "--tracking=memory_size=48"]
    command += ["--batch=2", "--memory-frames=2", "--log-every=1", "--steps=100000", "--rate=1e-5"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "run")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    assert any(line.startswith("step 3 ") for line in process.stdout)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_after_the_step_and_the_run_goes_on(
    trainer, training, tmp_path, number, status
):
    # As a terminal, torchrun and service managers do it: to the data process too.
    os.killpg(training.pid, number)
    told, error = training.communicate(timeout=200)
    assert training.returncode == status and "Traceback" not in error, error
    last = told.splitlines()[-1]
    assert last.startswith("stopped after step ") and last.endswith("the same command goes on")

    preset = PRESETS["dastm_tiny"]
    values = {
        "network": {"neck": preset.network.neck},
        "tracking": preset.tracking.to_dict() | {"query_size": 64, "memory_size": 48},
        "steps": 100_000,
        "rate": 1e-5,
        "log_every": 1,
    }
    run = trainer(tmp_path / "run", **values)
    assert run.step >= 3
    run.dies_at = run.step + 2
    whole = trainer(tmp_path / "whole", dies_at=run.dies_at, **values)
    for course in (run, whole):
        with pytest.raises(trainer.Killed):
            course.run(quiet)
    with open(tmp_path / "run" / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, run.dies_at + 1))
    assert [float(row["total"]) for row in rows] == pytest.approx(whole.losses, rel=1e-9)


def test_a_data_process_that_is_killed_is_one_sentence(training):
    children = Path(f"/proc/{training.pid}/task/{training.pid}/children").read_text().split()
    for child in map(int, children):
        os.kill(child, signal.SIGKILL)
    _, error = training.communicate(timeout=200)
    assert training.returncode == 1
    assert (
        error.startswith("tracker-ros: error: a data process was ended") and error.count("\n") == 1
    )


def test_data_that_end_leave_the_steps_that_were_done(trainer, tmp_path, monkeypatch):
    run = trainer(tmp_path)
    batches = run.batches

    def two():
        yield from islice(batches(), 2)
        raise SourceError("no more")

    monkeypatch.setattr(run, "batches", two)
    fails(run, "no more", kind=SourceError)
    assert trainer(tmp_path).step == 2


def test_what_cannot_be_told_leaves_the_steps_that_were_done(trainer, tmp_path):
    """A full disk behind stdout, or a reader that leaves; neither is about data processes."""
    for error in (
        OSError(errno.ENOSPC, "No space left on device"),
        BrokenPipeError(errno.EPIPE, ""),
    ):
        folder = tmp_path / type(error).__name__

        class Course:
            def run(self, tell, show, folder=folder):
                trainer(folder, log_every=2).run(tell, show)

        class Broken(io.StringIO):
            def write(self, text, error=error):
                raise error

        with pytest.raises(type(error)) as told, redirect_stdout(Broken()):
            run_course(Course())
        assert told.value.filename == "standard output"
        assert trainer(folder).step == 2


def test_a_validation_that_fails_leaves_the_steps_that_were_done(trainer, tmp_path, monkeypatch):
    run = trainer(tmp_path, validate_every=2)

    def broken(log):
        raise SourceError("a picture is gone")

    monkeypatch.setattr(run, "score", broken)
    fails(run, "a picture is gone", kind=SourceError)
    assert trainer(tmp_path).step == 2


def test_what_lacks_shared_memory_is_told():
    for error in (
        RuntimeError("unable to allocate shared memory(shm) for file </torch_1_2>: No space left"),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. "),
        OSError(28, "No space left on device"),
        OSError(24, "Too many open files"),
    ):
        told = r"/dev/shm.*--workers.* at step 3"
        with pytest.raises(TrackerError, match=told), explained(7, lambda: "at step 3"):
            raise error
    with pytest.raises(OSError, match=r"a\.txt"), explained(7, str):
        raise OSError(28, "No space left on device", "a.txt")


FULL = """
import resource, signal, sys
from tracker_ros.commands import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


def test_full_shared_memory_is_one_sentence(shards, tmp_path):
    """A limit to the size of files does to a process what a full /dev/shm does to all."""
    command = ["train", shards, "--recipe=short", "--model=dastm_nano", "--batch=8", "--workers=1"]
    done = subprocess.run(
        [sys.executable, "-c", FULL, "20000", *command, "--steps=9", "--out", tmp_path / "run"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "/dev/shm" in last and "--workers" in last and "at step 0" in last

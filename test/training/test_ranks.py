"""Several processes train one network."""

import runpy
import signal
import socket
import subprocess
import sys
from itertools import islice

import pytest
import torch

from tracker_ros.core.errors import ParameterError
from tracker_ros.training.ranks import Ranks, processes, shared_batches, shared_mean


@pytest.mark.parametrize("count", [1, 2, 4])
def test_together_the_processes_see_every_sample_once(count):
    batches = [list(shared_batches(8, Ranks(rank, count), 3, 6)) for rank in range(count)]
    assert all(
        len(mine) == 3 and {len(batch) for batch in mine} == {8 // count} for mine in batches
    )
    for step in range(3):
        together = sorted(index for mine in batches for index in mine[step])
        assert together == list(range((3 + step) * 8, (4 + step) * 8))


def test_batches_without_a_last_step_do_not_end():
    assert [batch.start for batch in islice(shared_batches(4, Ranks()), 5)] == [0, 4, 8, 12, 16]


def test_a_batch_that_cannot_be_shared_out_is_refused():
    with pytest.raises(ParameterError, match="--batch is 9, not a multiple of 2 processes"):
        shared_batches(9, Ranks(0, 2))


def test_alone_nothing_is_exchanged():
    ranks, tensor = Ranks.join(torch.device("cpu")), torch.ones(2)
    ranks.average([tensor])
    assert ranks == Ranks(0, 1) and ranks.leads and tensor.tolist() == [1, 1]
    assert processes() == 1 and shared_mean(tensor) is tensor


def joined(monkeypatch, **environment):
    """The sentence in which joining such a group ends."""
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", **environment}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ParameterError) as error:
        Ranks.join(torch.device("cpu"))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_environment_that_is_wrong_is_told(monkeypatch):
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert "the environment has no MASTER_ADDR" in joined(monkeypatch)
    for port in ("", "abc", "0", "65536", "-1", "1" * 5000):
        told = joined(monkeypatch, MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        assert f"MASTER_PORT is {port!r}, not a number" in told
    told = joined(monkeypatch, MASTER_ADDR="nowhere.invalid", MASTER_PORT="29500")
    assert told.startswith("the environment's MASTER_ADDR is 'nowhere.invalid': ")


def test_a_port_that_is_taken_is_told(monkeypatch):
    with socket.create_server(("", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = joined(monkeypatch, RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    assert f"MASTER_ADDR 127.0.0.1, MASTER_PORT {port}: " in told and "in use" in told


ALONE = """
import sys, torch
from datetime import timedelta
from tracker_ros.commands.execution import execute
from tracker_ros.training import ranks

ranks.SILENCE = 0.01
if len(sys.argv) > 1:
    ranks.MEETING = timedelta(seconds=float(sys.argv[1]))

class Parser:
    prog = "join"
    def parse_args(self, arguments):
        self.run = lambda args: ranks.Ranks.join(torch.device("cpu"))
        return self

sys.exit(execute(lambda arguments: Parser(), []))
"""


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """Starts a process that waits for one that does not come."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]  # taken, but nobody listens
        settings = {"RANK": 1, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))
        script = tmp_path / "alone.py"
        script.write_text(ALONE)
        started = []

        def start(*arguments):
            command = [sys.executable, script, *arguments]
            started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
            return started[-1]

        yield start
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_who_waits_for_the_others_can_be_ended(alone, number, status):
    process = alone()
    # Torch may say before it that the host has no name.
    assert any("waiting for the other processes at MASTER_ADDR" in said for said in process.stderr)
    process.send_signal(number)
    _, error = process.communicate()
    assert process.returncode == status and "Traceback" not in error, error


def test_others_that_do_not_come_are_not_waited_for_for_ever(alone):
    process = alone("0.1")
    _, error = process.communicate()
    assert process.returncode == 1 and "did not meet at MASTER_ADDR 127.0.0.1" in error, error


CODE = """
import atexit, os, sys, torch
from pathlib import Path
from tracker_ros.core.config import TrackingConfig
from tracker_ros.networks.architectures.dastm import DastmConfig
from tracker_ros.networks.presets import Preset
from tracker_ros.training.config import TrainingConfig
from tracker_ros.training.loop import Trainer
from tracker_ros.training.losses.memory import memory_loss

torch.set_num_threads(1)
shards, out = sys.argv[1:]

def threads_of_the_group():
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    # A file for each process: lines that two print to one pipe may be torn.
    left = " ".join(name for name in names if "gloo" in name)
    (Path(out) / f"threads{os.environ['RANK']}.txt").write_text(left)

if "RANK" in os.environ:
    atexit.register(threads_of_the_group)  # before the training's own: called after it

def loss(model, *arguments):
    # Batch statistics are those of a process's own share: with the running ones, nothing but
    # the exchange between the processes can make a difference.
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.eval()
    return memory_loss(model, *arguments)

class Recorder(Trainer):
    losses, shown = [], []
    def train_step(self, batch):
        self.shown.append(batch.queries.float().mean((1, 2, 3, 4)))
        terms = super().train_step(batch)
        self.losses.append([terms[name] for name in ("total", "classification", "box", "balance")])
        return terms

sizes = dict(widths=(8, 8, 16, 24), depths=(1, 1, 1), channels=16, head_channels=16, head_depth=1)
tracking = TrackingConfig(query_size=64, memory_size=48)
preset = Preset("dastm", DastmConfig(**sizes, gate="soft"), tracking)
config = TrainingConfig(batch=8, steps=5, rate=0.01, workers=0, precision="fp32")
trainer = Recorder(shards, out, preset, config, loss)
trainer.run(lambda line: None)
content = {"losses": torch.tensor(trainer.losses), "shown": torch.stack(trainer.shown)}
content["weights"] = torch.cat([p.detach().flatten() for p in trainer.model.parameters()])
torch.save(content, Path(out) / f"rank{trainer.ranks.rank}of{trainer.ranks.count}.pt")
"""


def test_two_processes_take_the_course_of_one(shards, tmp_path, monkeypatch):
    script = tmp_path / "train.py"
    script.write_text(CODE)
    for out in ("one", "two"):
        (tmp_path / out).mkdir()
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    done = subprocess.run(
        [sys.executable, "-m", *torchrun, script, shards, tmp_path / "two"],
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    left = {path.name: path.read_text() for path in (tmp_path / "two").glob("threads*.txt")}
    assert left == {"threads0.txt": "", "threads1.txt": ""}
    monkeypatch.setattr(sys, "argv", [str(script), str(shards), str(tmp_path / "one")])
    runpy.run_path(str(script))
    one = torch.load(tmp_path / "one" / "rank0of1.pt")
    first, second = (torch.load(tmp_path / "two" / f"rank{rank}of2.pt") for rank in range(2))
    # Each sample once, in the order of the one process.
    assert torch.equal(torch.cat([first["shown"], second["shown"]], 1), one["shown"])
    # Sums are added up in another order: float32 allows 1e-7 a sum, and five steps add to it.
    assert torch.equal(first["weights"], second["weights"])
    torch.testing.assert_close(first["losses"], one["losses"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(first["weights"], one["weights"], rtol=1e-3, atol=1e-4)
    assert one["losses"][-1, 0] < one["losses"][0, 0]  # it did learn
    assert (tmp_path / "two" / "last.pt").is_file()  # written by one of them

"""Several processes train one network."""

import socket
import subprocess
import sys
from itertools import islice

import pytest
import torch

from tracker_ros.training.log import TrainingLog
from tracker_ros.training.ranks import Ranks, ShardedBatches


@pytest.mark.parametrize("count", [1, 2, 4])
def test_together_the_processes_see_every_sample_once(count):
    batches = [list(ShardedBatches(8, Ranks(rank, count), 3, 6)) for rank in range(count)]
    assert all(
        len(mine) == 3 and {len(batch) for batch in mine} == {8 // count} for mine in batches
    )
    for step in range(3):
        together = sorted(index for mine in batches for index in mine[step])
        assert together == list(range((3 + step) * 8, (4 + step) * 8))


def test_batches_without_a_last_step_do_not_end():
    assert [batch.start for batch in islice(ShardedBatches(4, Ranks()), 5)] == [0, 4, 8, 12, 16]


def test_alone_nothing_is_exchanged():
    ranks, tensor = Ranks.join(torch.device("cpu")), torch.ones(2)
    ranks.average([tensor])
    assert ranks == Ranks(0, 1) and ranks.leads and tensor.tolist() == [1, 1]


CODE = """
import sys, torch
from pathlib import Path
from tracker_ros.core.config import TrackingConfig
from tracker_ros.networks.dastm import DastmConfig
from tracker_ros.networks.presets import Preset
from tracker_ros.training.config import TrainingConfig
from tracker_ros.training.loop import Trainer
from tracker_ros.training.losses import memory_loss
torch.set_num_threads(1)
network = DastmConfig(
    widths=(8, 8, 16, 24), depths=(1, 1, 1), channels=16, head_channels=16, head_depth=1
)
preset = Preset("dastm", network, TrackingConfig(query_size=64, memory_size=48))
trainer = Trainer(sys.argv[1], sys.argv[2], preset, TrainingConfig(batch=4, steps=2, workers=0),
                  memory_loss)
trainer.run(lambda line: None)
state = {name: value for name, value in trainer.model.named_parameters()}
torch.save({"state": {n: v.detach() for n, v in state.items()}, "rank": trainer.ranks.rank},
           Path(sys.argv[2]) / f"rank{trainer.ranks.rank}.pt")
torch.distributed.destroy_process_group()
"""


def test_two_processes_end_with_the_same_weights(shards, tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MASTER_PORT", str(free.getsockname()[1]))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    processes = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", CODE, str(shards), str(tmp_path)],
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    errors = [process.communicate(timeout=200)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    first, second = (torch.load(tmp_path / f"rank{rank}.pt")["state"] for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (tmp_path / "last.pt").is_file()  # written by one of them


def test_log_averages_the_steps_of_a_line(tmp_path):
    lines = []
    log = TrainingLog(tmp_path / "log.csv", lines.append, every=2)
    for step in range(1, 6):
        terms = {"total": float(step), "overlap": 0.5, "gate_0": 0.25, "gate_1": 0.75}
        log.add(step, step / 10, terms, 8, 0.0, 0)
    assert len(lines) == 2 and lines[1].startswith("step 4 (40.0 %): loss 3.500, IoU 0.500")
    head, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert head.startswith("step,progress,total,overlap,gate_0,gate_1,samples_per_second")
    assert [row.split(",")[:3] for row in rows] == [["2", "0.2", "1.5"], ["4", "0.4", "3.5"]]

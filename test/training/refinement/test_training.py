"""The loop and the command: what is learned, kept and gone on with."""

import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch

from tracker_ros.commands import main
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError, TrackerError
from tracker_ros.engines.models.store import load_network, save_network
from tracker_ros.networks.architectures.dastm_filter import DastmFilter, DastmFilterConfig
from tracker_ros.networks.blocks.refiner import BoxRefiner
from tracker_ros.training.records import checkpoint
from tracker_ros.training.refinement.config import RefinerConfig
from tracker_ros.training.refinement.loop import (
    RefinerTrainer,
    cosine_rate,
    laplace_loss,
    presence_loss,
)
from tracker_ros.training.refinement.samples import RefinerSample, RefinerSamples

TRACKING = TrackingConfig(query_size=112, memory_size=112, search_factor=2.625)
TINY = {
    "batch": 16,
    "steps": 30,
    "warmup": 3,
    "checkpoint_every": 8,
    "log_every": 5,
    "workers": 0,
    "rate": 3e-3,
}


def quiet(_):
    pass


class Written(RefinerSamples):
    """Crops of 16 x 16, of which ``see`` makes features that tell how large the target is."""

    replaced = 0

    def __init__(self, length):
        self.length = length

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        crops = rng.integers(0, 255, (4, 16, 16, 3), np.uint8)
        size = rng.choice([-0.3, 0.3], 4) * [0, 1, 1, 1]
        crops[:, :, :, 0] = (128 + 300 * size)[:, None, None]
        crops[3, :, :, 1:] = 0  # another target
        truths = np.tile([8.0, 8, 0, 0], (4, 1))
        truths[:, 2:] += size[:, None]
        covers = np.array([0, 0, 0.7, 1])
        return RefinerSample(crops, truths.astype(np.float32), covers.astype(np.float32))


def see(crops):
    """Uint8 [B, 16, 16, 3] → float32 [B, 6, 16, 16], and no details, [B, 1 + 3, 32, 32]."""
    levels = crops.permute(0, 3, 1, 2) / 255.0 - 0.5
    return torch.cat([levels, -levels], 1), torch.zeros(len(crops), 4, 32, 32)


def trainer(out, **values):
    config = RefinerConfig(**TINY | values)
    samples = Written(10**6), Written(8)
    torch.manual_seed(config.seed)
    return RefinerTrainer(*samples, see, BoxRefiner(6, 1), 5.3, out, config, {"data": ["none"]})


def test_the_loss_is_that_of_a_laplace_distribution():
    box, spread, truth = torch.zeros(2, 4), torch.full((2, 4), -0.5), torch.tensor([[1.0, 2, 3, 4]])
    expected = sum(
        weight * -torch.distributions.Laplace(0.0, np.exp(-0.5)).log_prob(torch.tensor(value))
        for weight, value in zip((0.5, 0.5, 1, 1), (1.0, 2.0, 3.0, 4.0), strict=True)
    )
    loss = laplace_loss(box, spread, truth.expand(2, 4))
    assert loss.item() == pytest.approx(expected.item() - 3 * np.log(2), abs=1e-5)


def test_the_rate_rises_and_falls():
    config = RefinerConfig(steps=1000, warmup=100)
    rates = [cosine_rate(step, step / 1000, config) for step in range(1000)]
    assert rates[0] == pytest.approx(1.1e-5) and np.argmax(rates) == 99
    assert rates[500] == pytest.approx(5e-4, rel=0.01) and rates[-1] < 4e-6


def test_what_can_hardly_be_seen_says_nothing_of_presence():
    cover = torch.tensor([0.0, 0.3, 0.9, 1.0])
    present = torch.tensor([2.0, 1.0, 7.0, -1.0])
    there = (
        torch.sigmoid(torch.tensor([2.0, 1.0])).log().mean(),
        torch.sigmoid(torch.tensor(1.0)).log(),
    )
    assert presence_loss(present, cover).item() == pytest.approx(-sum(there).item() / 2, abs=1e-6)
    assert presence_loss(present[:3], cover[:3]).item() == pytest.approx(-there[0].item() / 2)


def test_it_learns_and_a_resumed_run_ends_the_same(tmp_path):
    whole = trainer(tmp_path / "whole")
    before = whole.validate()
    whole.run(quiet)
    after = whole.validate()
    assert after["size"] < 0.7 * before["size"] and before["told"] == 0.5
    assert before["size"] == before["size_before"]  # it starts as if it were not there
    assert whole.scores == after

    class Killed(BaseException):
        pass

    def die(progress):
        if progress > 0.6:
            raise Killed

    with pytest.raises(Killed):
        trainer(tmp_path / "parts").run(quiet, die)
    parts = trainer(tmp_path / "parts")
    assert parts.step == 16  # the last checkpoint
    parts.run(quiet)
    for one, same in zip(whole.refiner.parameters(), parts.refiner.parameters(), strict=True):
        assert torch.equal(one, same)
    steps = [row.partition(",")[0] for row in (tmp_path / "parts/log.csv").read_text().split()]
    assert steps == ["step", "5", "10", "15", "21", "26"]


def test_minutes_may_say_how_long(tmp_path):
    timed = trainer(tmp_path, steps=1, minutes=0.01)
    timed.run(quiet)
    assert timed.elapsed >= 0.6 and timed.step >= 1 and timed.progress >= 1


def test_trouble_is_one_sentence(tmp_path):
    first = trainer(tmp_path, steps=1)
    first.run(quiet)
    with pytest.raises(ModelError, match=r"was trained with rate 0.003, not 0.1"):
        trainer(tmp_path, steps=1, rate=0.1)
    assert trainer(tmp_path, steps=2).step == 1
    known = {"identity": first.identity, "config": asdict(first.config)}
    checkpoint.save(tmp_path / "last.pt", known)
    with pytest.raises(ModelError, match="is no checkpoint of this training: no 'refiner'"):
        trainer(tmp_path, steps=1)
    whole = trainer(tmp_path / "whole", steps=1)
    whole.run(quiet)
    content = checkpoint.load(whole.last)
    content["refiner"]["gain"].fill_(float("inf"))
    checkpoint.save(whole.last, content)
    with pytest.raises(ModelError, match=r"last\.pt: refiner\.gain is not finite"):
        trainer(tmp_path / "whole", steps=1)
    broken = trainer(tmp_path / "broken")
    with torch.no_grad():
        broken.refiner.gain.fill_(float("nan"))
    with pytest.raises(TrackerError, match="not finite at step 0; no checkpoint holds the last"):
        broken.run(quiet)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The shipped architecture with random weights and small parts behind the trunk."""
    torch.manual_seed(0)
    sizes = DastmFilterConfig(
        search_cells=14, memory_cells=11, channels=16, head_channels=16, head_depth=1
    )
    path = tmp_path_factory.mktemp("base") / "base.safetensors"
    save_network(path, DastmFilter(sizes), "dastm_filter", TRACKING, {"data": ["before"]})
    return path


def test_the_command_writes_the_model_with_its_refiner(base, refiner_shards, tmp_path, capsys):
    out = tmp_path / "run"
    command = ["train-refiner", str(refiner_shards), "--model", str(base), "--out", str(out)]
    command += ["--batch", "4", "--steps", "3", "--held", "2", "--workers", "0", "--seed", "3"]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "validation centre " in told and told.endswith(f"{out / 'base.safetensors'}\n")
    network, facts = load_network(out / "base.safetensors")
    refiner = facts["training"]["refiner"]
    assert facts["training"]["data"] == ["before"] and facts["network"]["refine"] is True
    assert refiner["data"] == [f"shards:{refiner_shards.name}:1"]
    assert refiner["config"]["steps"] == 3 and refiner["validation"]["centre"] > 0
    kept, trained = load_network(base)[0].state_dict(), checkpoint.load(out / "last.pt")["refiner"]
    for name, value in network.state_dict().items():
        inner = name.removeprefix("refiner.")
        assert torch.equal(value, trained[inner] if inner != name else kept[name])
    # Going on from it, and a mean of it and of what came of it.
    again = ["train-refiner", str(refiner_shards), "--model", str(out / "base.safetensors")]
    again += ["--out", str(tmp_path / "on"), "--start", "--keep", "0.25", *command[6:]]
    assert main(again) == 0
    mean, went = load_network(tmp_path / "on/base.safetensors")[0], tmp_path / "on/last.pt"
    for name, value in checkpoint.load(went)["refiner"].items():
        kept = network.refiner.state_dict()[name]
        assert torch.allclose(mean.refiner.state_dict()[name], 0.25 * kept + 0.75 * value)
        assert "weight" not in name or not torch.equal(value, kept)
    capsys.readouterr()
    assert main([*command, "--seed", "4"]) == 1
    assert "last.pt was trained with seed 3, not 4" in capsys.readouterr().err
    # Another model, of the same trunk.
    other = ["--model", str(out / "base.safetensors"), "--name", "other"]
    assert main([*command, *other]) == 1
    told = capsys.readouterr().err
    assert "last.pt was trained with model 'base.safetensors (" in told and told.count("\n") == 1
    assert not (out / "other.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "absent"], "model 'absent' is neither"),
        (["--model", "tiny"], "has no trunk whose features a refiner takes: it is a dastm with"),
        (["--start"], "has no refiner to go on from"),
        (["--keep", "0.5"], "--keep has no effect: --start is missing: there is nothing to keep"),
        (["--steps", "9", "--minutes", "1"], "--steps has no effect: --minutes is 1"),
        (["--keep", "1.5", "--start"], "--keep is 1.5, not a number from 0 to 1"),
        (["--steps", "0"], "--steps is 0, not a number from 1 up"),
    ],
)
def test_what_cannot_be_is_said(base, model, refiner_shards, tmp_path, capsys, options, sentence):
    given = [str(model) if option == "tiny" else option for option in options]
    command = ["train-refiner", str(refiner_shards), "--model", str(base), "--workers", "0"]
    assert main([*command, "--out", str(tmp_path), *given]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tracker-ros: error: ") and sentence in error and error.count("\n") == 1


def test_a_folder_without_shards_is_said(base, tmp_path, capsys):
    for folder, sentence in ((tmp_path, "holds no shard with"), (tmp_path / "a", "not a folder")):
        assert main(["train-refiner", str(folder), "--model", str(base)]) == 1
        assert sentence in capsys.readouterr().err


FULL = """
import resource, signal, sys
from tracker_ros.commands import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.exit(main(sys.argv[1:]))
"""


def test_full_shared_memory_is_one_sentence(base, refiner_shards, tmp_path):
    """A limit to the size of files does to a process what a full /dev/shm does to all."""
    command = ["train-refiner", refiner_shards, "--model", base, "--out", tmp_path / "run"]
    command += ["--batch=4", "--steps=3", "--held=2", "--workers=1"]
    done = subprocess.run([sys.executable, "-c", FULL, *command], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "/dev/shm" in last and "--workers" in last and "at step 0" in last


def test_a_model_that_could_not_be_written_is_told_before_the_training(
    base, refiner_shards, tmp_path, capsys
):
    (tmp_path / "m.safetensors").symlink_to(tmp_path / "absent/m.safetensors")
    command = ["train-refiner", str(refiner_shards), "--model", str(base), "--workers", "0"]
    command += ["--batch", "4", "--steps", "1", "--held", "2", "--name", "m"]
    assert main([*command, "--out", str(tmp_path)]) == 1
    assert "m.safetensors cannot be written: No such file" in capsys.readouterr().err
    assert not (tmp_path / "last.pt").exists()

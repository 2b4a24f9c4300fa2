"""The bank, the loop and the command: what is learned, kept and gone on with."""

import json

import numpy as np
import pytest
import torch

from tracker_ros.commands import main
from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError, ParameterError, SourceError, TrackerError
from tracker_ros.core.online.reference import REGION
from tracker_ros.engines.models.store import load_network, save_network
from tracker_ros.networks.architectures.dastm_filter import DastmFilter, DastmFilterConfig
from tracker_ros.training.records import checkpoint
from tracker_ros.training.refinement import bank as banks
from tracker_ros.training.refinement.bank import Bank, row_type
from tracker_ros.training.refinement.config import RefinerConfig
from tracker_ros.training.refinement.loop import RefinerTrainer, laplace_loss, learning_rate
from tracker_ros.training.refinement.samples import KINDS

TRACKING = TrackingConfig(query_size=112, memory_size=112, search_factor=2.625)
TINY = {
    "batch": 8,
    "steps": 30,
    "warmup": 3,
    "checkpoint_every": 8,
    "log_every": 5,
    "pairs": 40,
}


def quiet(_):
    pass


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """40 pairs, of few channels, whose truth is written in the regions; eight are held out."""
    folder, rng = tmp_path_factory.mktemp("bank"), np.random.default_rng(0)
    rows = np.zeros(40, row_type(8))
    sign = rng.choice([-1.0, 1.0], (40, 3))
    rows["reference"] = rng.normal(0, 0.1, rows["reference"].shape)
    rows["regions"] = rows["reference"][:, None]
    rows["regions"][:, :, :4] += 0.5 * sign[..., None, None, None]
    # Mirrored, the regions say the same, so that they cannot tell left from right.
    rows["truths"] = sign[..., None] * [0, 0.5, 0.3, -0.3]
    rows["shape"] = rng.normal(0, 0.1, rows["shape"].shape)
    rows["kind"] = [0, *[1] * 4] * 8
    np.save(folder / "pairs-0000.npy", rows)
    return Bank(folder, 40)


def trainer(bank, out, **values):
    return RefinerTrainer(bank, out, 5.3, RefinerConfig(**TINY | values), {"data": ["none"]})


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
    rates = [learning_rate(step, config) for step in range(1000)]
    assert rates[0] == pytest.approx(1.1e-5) and np.argmax(rates) == 99
    assert rates[500] == pytest.approx(5e-4, rel=0.01) and rates[-1] < 4e-6


def test_a_row_of_the_bank_comes_back(bank):
    reference, shape, region, truth = bank.batch(np.array([7, 3]), np.array([2, 0]))
    assert reference.shape == region.shape == (2, 8, REGION, REGION)
    written = np.load(bank._parts[0].filename)
    assert np.array_equal(region[0], written["regions"][7, 2].astype(np.float32))
    assert np.array_equal(truth, written["truths"][[7, 3], [2, 0]])
    assert np.array_equal(shape, written["shape"][[7, 3]]) and reference.dtype == torch.float32


def test_it_learns_and_a_resumed_run_ends_the_same(bank, tmp_path):
    whole = trainer(bank, tmp_path / "whole")
    before = whole.validate()
    whole.run(quiet)
    after = whole.validate()
    assert after["loss"] < before["loss"] - 1
    assert before["centre"] == before["centre_before"]  # it starts as if it were not there
    assert whole.scores == after

    class Killed(BaseException):
        pass

    def die(progress):
        if progress > 0.6:
            raise Killed

    with pytest.raises(Killed):
        trainer(bank, tmp_path / "parts").run(quiet, die)
    parts = trainer(bank, tmp_path / "parts")
    assert parts.step == 16  # the last checkpoint
    parts.run(quiet)
    for one, same in zip(whole.refiner.parameters(), parts.refiner.parameters(), strict=True):
        assert torch.equal(one, same)
    steps = [row.partition(",")[0] for row in (tmp_path / "parts/log.csv").read_text().split()]
    assert steps == ["step", "5", "10", "15", "21", "26"]


def test_trouble_is_one_sentence(bank, tmp_path):
    with pytest.raises(ParameterError, match="--pairs 40 gives 32 pairs to train on and 8 of held"):
        trainer(bank, tmp_path, batch=33)
    first = trainer(bank, tmp_path, steps=1)
    first.run(quiet)
    with pytest.raises(ModelError, match=r"was trained with config .*'steps': 1.*, not .*: 2"):
        trainer(bank, tmp_path, steps=2)
    checkpoint.save(tmp_path / "last.pt", {"identity": first.identity})
    with pytest.raises(ModelError, match="is no checkpoint of a refiner's training: no 'refiner'"):
        trainer(bank, tmp_path, steps=1)
    broken = trainer(bank, tmp_path / "broken")
    with torch.no_grad():
        broken.refiner.gain.fill_(float("nan"))
    with pytest.raises(TrackerError, match="not finite at step 0; no checkpoint holds the last"):
        broken.run(quiet)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_file_of_the_bank_is_named(bank, tmp_path, content):
    (tmp_path / "pairs-0000.npy").write_bytes(content)
    with pytest.raises(SourceError, match=r"pairs-0000\.npy cannot be read .* delete it"):
        Bank(tmp_path, 40)


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


def test_the_command_writes_the_model_with_its_refiner(
    base, refiner_shards, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(banks, "PART", 16)
    out = tmp_path / "run"
    command = ["train-refiner", str(refiner_shards), "--model", str(base), "--out", str(out)]
    command += ["--pairs", "24", "--batch", "8", "--steps", "3", "--workers", "0", "--seed", "3"]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "pairs-0001.npy: 24 of 24 pairs (" in told and "validation centre " in told
    assert told.endswith(f"{out / 'base.safetensors'}\n")
    network, facts = load_network(out / "base.safetensors")
    refiner = facts["training"]["refiner"]
    assert facts["training"]["data"] == ["before"] and facts["network"]["refine"] is True
    assert refiner["data"] == [f"shards:{refiner_shards.name}:1"]
    assert refiner["config"]["pairs"] == 24 and refiner["validation"]["centre"] > 0
    kept, trained = load_network(base)[0].state_dict(), checkpoint.load(out / "last.pt")["refiner"]
    for name, value in network.state_dict().items():
        inner = name.removeprefix("refiner.")
        assert torch.equal(value, trained[inner] if inner != name else kept[name])
    rows = np.load(out / "bank/pairs-0000.npy")
    assert len(rows) == 16 and rows["reference"].std() == pytest.approx(0.07, abs=0.05)
    assert np.bincount(rows["kind"]).sum() == 16 and rows["kind"].max() < len(KINDS)

    # The same command with more pairs keeps what is there, and makes the rest alike.
    written = (out / "bank/pairs-0000.npy").stat().st_mtime_ns
    (out / "last.pt").unlink()
    assert main([*command, "--pairs", "20"]) == 0
    assert (out / "bank/pairs-0000.npy").stat().st_mtime_ns == written
    assert json.loads((out / "bank/bank.json").read_text())["seed"] == 3
    assert main([*command, "--seed", "4"]) == 1
    assert "bank.json was trained with seed 3, not 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "absent"], "model 'absent' is neither"),
        (["--model", "tiny"], "has no trunk whose features a refiner takes: it is a dastm with"),
        (["--pairs", "3"], "--pairs 3 gives "),
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

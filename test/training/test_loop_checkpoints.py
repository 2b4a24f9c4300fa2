"""Checkpoints: what is no checkpoint of this run is named, with both sides."""

import pickle
import resource
import shutil
import signal
import subprocess
import sys
import warnings

import pytest
import torch

from tracker_ros.core.errors import ModelError, TrackerError
from tracker_ros.training.optimisation.optimisers import backbones
from tracker_ros.training.records.checkpoint import save


def quiet(_):
    pass


def refused(trainer, path, *parts, **values):
    with pytest.raises(ModelError) as error:
        trainer(path, **values)
    message = str(error.value)
    assert "\n" not in message and len(message) < 500
    assert all(part in message for part in (str(path / "last.pt"), *parts)), message


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04" + b"\0" * 500])
def test_a_corrupt_checkpoint_is_named(trainer, tmp_path, content):
    (tmp_path / "last.pt").write_bytes(content)
    refused(trainer, tmp_path, "cannot be read")


def test_a_truncated_checkpoint_is_named(trainer, tmp_path):
    trainer(tmp_path, steps=1).run(quiet)
    content = (tmp_path / "last.pt").read_bytes()
    for share in (0.3, 0.9, 0.999):
        (tmp_path / "last.pt").write_bytes(content[: int(share * len(content))])
        refused(trainer, tmp_path, "cannot be read")


def test_a_damaged_number_in_a_checkpoint_is_noticed(trainer, tmp_path):
    trainer(tmp_path, steps=1).run(quiet)
    last = tmp_path / "last.pt"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    refused(trainer, tmp_path, "cannot be read: it is damaged at ")


def test_a_checkpoint_never_executes_code(trainer, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path / "executed").touch, ()

    torch.save({"identity": Trap()}, tmp_path / "last.pt")
    refused(trainer, tmp_path, "can only be read by running code")
    (tmp_path / "last.pt").write_bytes(pickle.dumps(Trap()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch would advise to run it
        refused(trainer, tmp_path, "it is damaged, or torch did not write it")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "content", [{}, [], {"identity": {}}, {"identity": 3}, 7, torch.zeros(3), torch.zeros(())]
)
def test_a_foreign_checkpoint_is_named(trainer, tmp_path, content):
    torch.save(content, tmp_path / "last.pt")
    refused(trainer, tmp_path)


@pytest.mark.parametrize(
    "name, value",
    [
        ("step", "3"),
        ("step", -5),
        ("step", 1.5),
        ("step", True),
        ("elapsed", float("nan")),
        ("elapsed", float("inf")),
        ("elapsed", -1.0),
        ("elapsed", "1"),
    ],
)
def test_a_checkpoint_of_no_possible_step_is_named(trainer, tmp_path, name, value):
    trainer(tmp_path, steps=1).run(quiet)
    content = torch.load(tmp_path / "last.pt", weights_only=True)
    torch.save(content | {name: value}, tmp_path / "last.pt")
    refused(trainer, tmp_path, "is no checkpoint of this training", f"{name} is {value!r}, not a")


def test_a_checkpoint_of_another_run_names_both_sides(trainer, shards, tmp_path):
    trainer(tmp_path, steps=1).run(quiet)
    for parts, values in (
        (("network {'channels': 16}", "not {'channels': 24}"), {"network": {"channels": 24}}),
        (("tracking {'memory_size': 48}", "not {'memory_size': 64}"),
         {"tracking": {"memory_size": 64}}),
        (("sampling {'max_gap': 100}", "not {'max_gap': 7}"), {"sampling": {"max_gap": 7}}),
        (("seed 0, not 4",), {"seed": 4}),
        (("batch 2, not 3",), {"batch": 3}),
        (("optimiser 'adamw', not 'sgd'",), {"optimiser": "sgd"}),
        (("data ['shards:", ":2']"), {"data": [f"shards:{shards}:2"]}),
        (("rate 0.001, not 0.1",), {"rate": 0.1}),
        (("losses {'box': 3.0}, not {'box': 1.0}",), {"losses": {"box": 1.0}}),
        (("start None, not 'last.pt (",), {"start": tmp_path / "last.pt"}),
    ):  # fmt: skip
        refused(trainer, tmp_path, "was trained with", *parts, **values)
    assert trainer(tmp_path, steps=9, workers=1, log_every=7).step == 1  # these may change


def test_another_start_or_backbone_of_the_same_name_is_another_run(trainer, tmp_path):
    for folder, seed in (("a", 0), ("b", 1)):
        other = trainer(tmp_path / folder, steps=1, seed=seed)
        other.run(quiet)
        save(tmp_path / folder / "trunk.pt", {"trunk": _trunk(other), "facts": {}})
    for name, file in (("start", "last.pt"), ("backbone", "trunk.pt")):
        out = tmp_path / name
        trainer(out, steps=1, **{name: tmp_path / "a" / file}).run(quiet)
        assert trainer(out, **{name: tmp_path / "a" / file}).step == 1
        refused(
            trainer, out, f"{name} '{file} (", f"not '{file} (", **{name: tmp_path / "b" / file}
        )
        refused(trainer, out, f"{name} '{file} (", "not None")


def _trunk(run):
    return backbones(run.model)[0].state_dict()


def test_budgets_measured_costs_may_differ(trainer, tmp_path):
    budget = {"steps": 1, "network": {"gate": "soft"}, "losses": {"gate_budget": 1.0}}
    trainer(tmp_path, **budget).run(quiet)
    assert trainer(tmp_path, **budget).step == 1


def test_a_second_training_in_a_folder_is_refused(trainer, tmp_path):
    holder = "import sys; from pathlib import Path; from tracker_ros.core.io.locks import locked\n"
    holder += "with locked(Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", holder, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    run = trainer(tmp_path, steps=1)
    with pytest.raises(TrackerError, match=f"{tmp_path} is in use"):
        run.run(quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock"]
    process.communicate()
    run.run(quiet)


def test_a_checkpoint_that_another_training_went_on_with_is_not_written_over(trainer, tmp_path):
    trainer(tmp_path, steps=1).run(quiet)
    late, early = trainer(tmp_path, steps=3), trainer(tmp_path, steps=3)
    early.run(quiet)
    with pytest.raises(TrackerError, match="another training went on with it"):
        late.run(quiet)
    assert trainer(tmp_path).step == 3


@pytest.mark.parametrize("name", ["last.pt", "best.pt"])
def test_a_link_that_leads_nowhere_is_told_before_the_training(trainer, one_clip, tmp_path, name):
    (tmp_path / name).symlink_to(tmp_path / "absent" / name)
    run = trainer(tmp_path, validate=one_clip[1])
    with pytest.raises(TrackerError, match=rf"{name} cannot be written: No such file"):
        run.run(quiet)
    assert run.step == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("facts", 3),
        ("facts", {}),
        ("best", 3),
        ("best", {"step": 1, "auc": float("nan")}),
        ("best", {"step": 1, "auc": "1"}),
        ("optimiser", 3),
        ("average", {}),
        ("average", None),
        ("config", torch.zeros(2)),
    ],
)
def test_parts_of_a_checkpoint_that_are_odd_are_told(trainer, tmp_path, name, value):
    trainer(tmp_path, steps=1).run(quiet)
    content = torch.load(tmp_path / "last.pt", weights_only=True)
    torch.save(content | {name: value}, tmp_path / "last.pt")
    refused(trainer, tmp_path, "is no checkpoint of this training")


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
@pytest.mark.parametrize("part", ["model", "average", "optimiser"])
def test_numbers_of_a_checkpoint_that_are_not_finite_are_named(trainer, tmp_path, part, wrong):
    run = trainer(tmp_path, steps=1)
    run.run(quiet)
    content = torch.load(tmp_path / "last.pt", weights_only=True)
    if part == "optimiser":
        name, tensor = "state.0.exp_avg", content[part]["state"][0]["exp_avg"]
    else:
        name, tensor = next((n, t) for n, t in content[part].items() if t.dim() > 1)
    tensor[-1] = wrong
    torch.save(content, tmp_path / "last.pt")
    refused(trainer, tmp_path, f"{part}.{name} is not finite")


def test_averages_of_other_shapes_are_told(trainer, tmp_path):
    trainer(tmp_path, steps=1).run(quiet)
    content = torch.load(tmp_path / "last.pt", weights_only=True)
    content["average"] = {name: torch.zeros(()) for name in content["average"]}
    torch.save(content, tmp_path / "last.pt")
    refused(trainer, tmp_path, "has shape [], not [")


def test_a_folder_that_moved_is_the_same_data(trainer, shards, tmp_path):
    trainer(tmp_path / "run", steps=1).run(quiet)
    moved = shutil.copytree(shards, tmp_path / "elsewhere" / shards.name)
    assert trainer(tmp_path / "run", data=[f"shards:{moved}"]).step == 1


@pytest.mark.parametrize("limit", [0, 50_000, 200_000])
def test_a_disk_that_is_full_in_mid_write_is_named(tmp_path, limit):
    """A limit to the size of files does to this process what a full disk does to all."""
    path = tmp_path / "last.pt"
    save(path, {"step": 1})
    before, old = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
        with pytest.raises(TrackerError, match=r"last\.pt cannot be written: File too large; "):
            save(path, {str(i): torch.rand(20_000) for i in range(4)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert path.read_bytes() == before and [path] == list(tmp_path.iterdir())

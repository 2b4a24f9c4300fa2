"""The loop: it learns, is a function of its seed, and goes on where it was stopped."""

import math

import pytest
import torch

from tracker_ros.core.errors import ModelError, ParameterError
from tracker_ros.networks.backbones.by_name import make_backbone
from tracker_ros.training.config import SamplingConfig
from tracker_ros.training.optimisation.average import Average
from tracker_ros.training.records import checkpoint
from tracker_ros.training.samples.batches import collate
from tracker_ros.training.samples.sampling import Samples

# Nothing but the target, moved and scaled.
EASY = {
    "weights": {"video": 1.0},
    **dict.fromkeys(("negative", "occluder", "distractor", "look_alike", "rotation"), 0.0),
    "low_light": 0.0,
    "shift": 0.5,
    "scale": 0.1,
    "memory_frames": 1,
}


def quiet(_):
    pass


def first_batch(learner, size):
    samples = Samples(learner.data, learner.preset.tracking, SamplingConfig(**EASY))
    return collate([samples[index] for index in range(size)])


def test_average_follows_quickly_at_first_and_slowly_later():
    model = torch.nn.BatchNorm1d(1)
    average = Average(model, decay=0.9)
    with torch.no_grad():
        model.weight.fill_(3.0)
        model.num_batches_tracked.fill_(7)
    average.update(model, 1)  # decay 1/11
    assert average.state["weight"].item() == pytest.approx(1 / 11 * 1 + 10 / 11 * 3)
    assert average.state["num_batches_tracked"] == 7
    before = average.state["weight"].item()
    average.update(model, 10_000)
    assert average.state["weight"].item() == pytest.approx(0.9 * before + 0.1 * 3)


@pytest.mark.parametrize(
    ("gate", "values"),
    [
        ("hard", {}),
        ("random", {"optimiser": "sgd", "rate": 0.01, "workers": 1}),
        ("soft", {"precision": "fp16"}),
    ],
)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(trainer, tmp_path, gate, values):
    network = {"gate": gate}  # hard and random draw by chance in every step
    whole = trainer(tmp_path / "whole", network=network, **values)
    whole.run(quiet)
    # One step after the checkpoint is lost.
    first = trainer(tmp_path / "killed", network=network, dies_at=4, **values)
    with pytest.raises(trainer.Killed):
        first.run(quiet)
    second = trainer(tmp_path / "killed", network=network, **values)
    assert second.step == 3
    second.run(quiet)
    assert len(whole.losses) == 6 and all(map(math.isfinite, whole.losses))
    assert first.losses == whole.losses[:4] and second.losses == whole.losses[3:]
    assert second.scaler.state_dict() == whole.scaler.state_dict()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name])
        assert torch.equal(whole.average.state[name], second.average.state[name])


def test_the_seed_decides_everything(trainer, tmp_path):
    runs = [trainer(tmp_path / str(i), seed=seed, steps=3) for i, seed in enumerate((7, 7, 8))]
    for run in runs:
        torch.rand(3)  # chance elsewhere does not matter
        run.run(quiet)
    assert runs[0].losses == runs[1].losses != runs[2].losses


def test_a_finished_run_does_nothing_more(trainer, tmp_path):
    trainer(tmp_path, steps=1).run(quiet)
    again = trainer(tmp_path, steps=1)
    again.run(quiet)
    assert again.losses == [] and again.step == 1


def test_the_clock_ends_a_schedule_of_minutes(trainer, tmp_path):
    run = trainer(tmp_path, minutes=1e-6)
    run.run(quiet)
    assert run.step == 1 and run.progress >= 1 and run.last.exists()


def test_a_tiny_network_learns_to_track_one_clip(trainer, one_clip, tmp_path):
    shards, sequence = one_clip
    network = {"widths": (8, 16, 24, 32), "channels": 24, "head_channels": 24, "head_depth": 2}
    tracking = {"query_size": 96, "memory_size": 64, "search_factor": 2.8, "size_rate": 1.0}
    run = trainer(
        tmp_path,
        data=shards,
        network=network,
        tracking=tracking,
        sampling=EASY,
        validate=sequence,
        validate_every=40,
        batch=6,
        steps=160,
        rate=8e-3,
        ema=0.95,
        seed=3,
        checkpoint_every=160,
    )
    run.run(quiet)
    assert run.losses[-1] < run.losses[0] / 4
    assert run.best["auc"] > 0.9  # a perfect tracker has 20/21


@pytest.fixture
def trunk(trainer, tmp_path):
    """A file as `tracker-ros convert` writes it."""
    backbone = make_backbone(trainer(tmp_path / "none").preset.network)
    content = {"trunk": backbone.state_dict(), "facts": {"classes": 2}}
    checkpoint.save(tmp_path / "trunk.pt", content)
    return tmp_path / "trunk.pt"


def test_backbones_start_alike_and_learn_more_slowly(trainer, trunk, tmp_path):
    learner, given = trainer(tmp_path / "run", backbone=trunk), checkpoint.load(trunk)
    for branch in (learner.model.memory_trunk, learner.model.query_trunk):
        for name, value in branch.state_dict().items():
            assert torch.equal(value, given["trunk"][name])
    assert learner.facts["backbone"] == given["facts"]
    learner.train_step(first_batch(learner, 2))
    rest, trunks = learner.optimiser.param_groups
    assert trunks["lr"] == pytest.approx(0.6 * rest["lr"])
    assert not torch.equal(
        learner.model.memory_trunk.stem.convs[0][0].weight,
        learner.model.query_trunk.stem.convs[0][0].weight,
    )


def test_a_backbone_is_frozen_for_its_share_of_the_schedule(trainer, trunk, tmp_path):
    learner = trainer(tmp_path / "run", backbone=trunk, steps=4, frozen=0.5)
    batch = first_batch(learner, 2)

    def state(part):
        return {name: value.clone() for name, value in part.state_dict().items()}

    def same(part, before):
        return all(torch.equal(value, before[name]) for name, value in part.state_dict().items())

    backbone, head = learner.model.query_trunk, learner.model.head
    before = state(backbone), state(head)
    for _ in range(2):
        learner.train_step(batch)
    assert same(backbone, before[0]) and not same(head, before[1])  # batch statistics too
    learner.train_step(batch)
    assert not same(backbone, before[0])


def test_a_backbone_that_start_gives_whole_is_frozen_too(trainer, tmp_path):
    trainer(tmp_path, steps=1).run(quiet)
    start, part = tmp_path / "last.pt", tmp_path / "part.pt"
    content = checkpoint.load(start)
    del content["average"]["memory_trunk.stem.convs.0.0.weight"]
    torch.save(content, part)
    for given, frozen in ((start, True), (part, False)):
        learner = trainer(tmp_path / given.stem, start=given, steps=4, frozen=1.0)
        before = learner.model.query_trunk.stem.convs[0][0].weight.clone()
        learner.train_step(first_batch(learner, 2))
        after = learner.model.query_trunk.stem.convs[0][0].weight
        assert torch.equal(before, after) == frozen, given


def test_frozen_norms_keep_their_statistics_and_the_rest_learns(trainer, tmp_path):
    with pytest.raises(ParameterError, match="--frozen-norms keeps the statistics of --start"):
        trainer(tmp_path / "none", frozen_norms=True)
    trainer(tmp_path, steps=1).run(quiet)
    start = tmp_path / "last.pt"
    learner = trainer(tmp_path / "run", frozen_norms=True, start=start, seed=1, warmup=0.0)
    before = {name: value.clone() for name, value in learner.model.state_dict().items()}
    learner.train_step(first_batch(learner, 2))
    after = learner.model.state_dict()
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert not any("running" in name or "num_batches" in name for name in changed)
    learnt = {name for name, value in learner.model.named_parameters() if value.grad is not None}
    assert changed <= learnt and "query_trunk.stem.convs.0.1.weight" in changed  # a gain


def test_a_backbone_of_noise_is_not_frozen(trainer, tmp_path):
    learner = trainer(tmp_path, steps=4, frozen=1.0)
    before = learner.model.query_trunk.stem.convs[0][0].weight.clone()
    learner.train_step(first_batch(learner, 2))
    assert not torch.equal(before, learner.model.query_trunk.stem.convs[0][0].weight)


@pytest.mark.parametrize("content", [{}, {"trunk": {}, "facts": {}}, {"trunk": None}, []])
def test_a_trunk_that_does_not_fit_is_one_sentence(trainer, tmp_path, content):
    torch.save(content, tmp_path / "trunk.pt")
    told = r"trunk\.pt (is no backbone of|holds no tensors)"
    with pytest.raises(ModelError, match=told) as error:
        trainer(tmp_path / "run", backbone=tmp_path / "trunk.pt")
    assert "\n" not in str(error.value)


def test_a_missing_trunk_is_one_sentence(trainer, tmp_path):
    with pytest.raises(ModelError, match=r"trunk\.pt does not exist"):
        trainer(tmp_path / "run", backbone=tmp_path / "trunk.pt")


def test_a_run_may_start_from_another_one(trainer, tmp_path):
    trainer(tmp_path / "first", steps=1).run(quiet)
    second = trainer(tmp_path / "second", start=tmp_path / "first" / "last.pt", seed=5)
    given = checkpoint.load(tmp_path / "first" / "last.pt")["average"]
    assert all(torch.equal(value, given[n]) for n, value in second.model.state_dict().items())
    assert all(torch.equal(value, given[n]) for n, value in second.average.state.items())
    assert second.facts["start"] == {"file": "last.pt", "tensors": len(given)}


def test_a_budget_needs_a_gate(trainer, tmp_path):
    with pytest.raises(ParameterError, match="--loss-gate-budget needs a network with a gate"):
        trainer(tmp_path, network={"gate": "static"}, losses={"gate_budget": 1.0})


def test_a_budget_is_measured_kept_and_charged(trainer, tmp_path):
    values = {"steps": 2, "losses": {"gate_budget": 1.0, "budget": 1e-3}}
    run = trainer(tmp_path, **values)
    costs = run.facts["gate_costs"]
    assert list(costs) == ["skip", "se", "ca", "cbam"] and costs["skip"] == 0
    assert all(costs[name] > 0 for name in ("se", "ca", "cbam"))
    assert run.train_step(first_batch(run, 2))["over_budget"] > 0
    run = trainer(tmp_path / "run", **values)
    run.run(quiet)
    again = trainer(tmp_path / "run", **values)  # would measure other times
    assert again.facts["gate_costs"] == run.facts["gate_costs"]
    assert again.config.losses.gate_costs == tuple(run.facts["gate_costs"].values())

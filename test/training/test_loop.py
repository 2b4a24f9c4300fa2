"""The loop: learns, goes on where it was stopped, and says what is wrong with a checkpoint."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from tracker_ros.core.config import TrackingConfig
from tracker_ros.core.errors import ModelError, SourceError, TrackerError
from tracker_ros.networks.backbones import make_backbone
from tracker_ros.networks.dastm import DastmConfig
from tracker_ros.networks.presets import Preset
from tracker_ros.training import checkpoint
from tracker_ros.training.average import Average
from tracker_ros.training.batches import collate
from tracker_ros.training.config import SamplingConfig, TrainingConfig
from tracker_ros.training.loop import Trainer
from tracker_ros.training.losses import memory_loss
from tracker_ros.training.sampling import Samples
from tracker_ros.training.schedules import learning_rate

TINY = DastmConfig(
    widths=(8, 8, 16, 24), depths=(1, 1, 1), channels=16, head_channels=16, head_depth=1
)
TRACKING = TrackingConfig(query_size=64, memory_size=48)
SIX_STEPS = TrainingConfig(batch=2, steps=6, workers=0, checkpoint_every=3)


class Killed(BaseException):
    pass


class Recorder(Trainer):
    """Notes the losses; dies before step ``dies_at``."""

    dies_at = -1

    def train_step(self, batch):
        if self.step == self.dies_at:
            raise Killed
        terms = super().train_step(batch)
        self.losses = [*getattr(self, "losses", []), terms["total"]]
        return terms


def trainer(shards, out, config=SIX_STEPS, network=TINY, loss=memory_loss, **options):
    return Recorder(shards, out, Preset("dastm", network, TRACKING), config, loss, **options)


def quiet(_):
    pass


@pytest.mark.parametrize(
    ("progress", "factor"),
    [(0.0, 0.02), (0.05, 0.51), (0.1, 1.0), (0.55, 0.51), (1.0, 0.02), (1.5, 0.02)],
)
def test_learning_rate(progress, factor):
    config = TrainingConfig(warmup=0.1)
    assert learning_rate(progress, config) == pytest.approx(factor)


def test_learning_rate_never_jumps():
    config = TrainingConfig()
    rates = [learning_rate(step / 1000, config) for step in range(1001)]
    assert max(abs(a - b) for a, b in pairwise(rates)) < 0.035
    assert min(rates) == pytest.approx(0.02) and max(rates) == pytest.approx(1, abs=0.01)


def test_average_follows_quickly_at_first_and_slowly_later():
    model = torch.nn.BatchNorm1d(1)
    average = Average(model, decay=0.9)
    with torch.no_grad():
        model.weight.fill_(3.0)
        model.num_batches_tracked.fill_(7)
    average.update(model)  # decay 1/11
    assert average.state["weight"].item() == pytest.approx(1 / 11 * 1 + 10 / 11 * 3)
    assert average.state["num_batches_tracked"] == 7
    before, average.count = average.state["weight"].item(), 10_000
    average.update(model)
    assert average.state["weight"].item() == pytest.approx(0.9 * before + 0.1 * 3)


@pytest.mark.parametrize("gate", ["hard", "random"])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(shards, tmp_path, gate):
    network = replace(TINY, gate=gate)  # both draw by chance in every step
    whole = trainer(shards, tmp_path / "whole", network=network)
    whole.run(quiet)
    first = trainer(shards, tmp_path / "killed", network=network)
    first.dies_at = 4  # one step after the checkpoint is lost
    with pytest.raises(Killed):
        first.run(quiet)
    second = trainer(shards, tmp_path / "killed", network=network)
    assert second.step == 3
    second.run(quiet)
    assert len(whole.losses) == 6 and all(map(math.isfinite, whole.losses))
    assert first.losses == whole.losses[:4] and second.losses == whole.losses[3:]
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name])
        assert torch.equal(whole.average.state[name], second.average.state[name])


def test_a_finished_run_does_nothing_more(shards, tmp_path):
    trainer(shards, tmp_path, replace(SIX_STEPS, steps=1)).run(quiet)
    again = trainer(shards, tmp_path, replace(SIX_STEPS, steps=1))
    again.run(quiet)
    assert not hasattr(again, "losses") and again.step == 1


def test_a_tiny_network_learns_one_batch_by_heart(shards, tmp_path):
    config = TrainingConfig(batch=6, steps=80, rate=6e-3, workers=0, warmup=0.1)
    sampling = SamplingConfig(
        weights={"video": 1.0}, negative=0.0, occluder=0.0, distractor=0.0, shift=0.5
    )
    samples = Samples(shards, TRACKING, sampling)
    batch = collate([samples[index] for index in range(6)])
    learner = trainer(shards, tmp_path, config)
    terms = [learner.train_step(batch) for _ in range(config.steps)]
    assert terms[-1]["total"] < terms[0]["total"] / 4
    assert terms[-1]["overlap"] > 0.75 > 0.5 > terms[0]["overlap"]
    assert terms[-1]["rate"] == pytest.approx(6e-3 * 0.02, rel=0.1)
    weights = [terms[-1][f"gate_{name}"] for name in ("skip", "se", "ca", "cbam")]
    assert sum(weights) == pytest.approx(1, abs=1e-3)


def test_trunks_learn_more_slowly_and_start_alike(shards, tmp_path):
    content = {"trunk": make_backbone(TINY).state_dict(), "facts": {"classes": 2}}
    checkpoint.save(tmp_path / "trunk.pt", content)
    learner = trainer(shards, tmp_path / "run", backbone=tmp_path / "trunk.pt")
    trunk = checkpoint.load(tmp_path / "trunk.pt")
    for branch in (learner.model.memory_trunk, learner.model.query_trunk):
        for name, value in branch.state_dict().items():
            assert torch.equal(value, trunk["trunk"][name])
    assert learner.facts["backbone"] == trunk["facts"]
    batch = collate([Samples(shards, TRACKING, SIX_STEPS.sampling)[0]] * 2)
    learner.train_step(batch)
    rest, trunks = learner.optimiser.param_groups
    assert trunks["lr"] == pytest.approx(0.6 * rest["lr"])
    assert not torch.equal(
        learner.model.memory_trunk.stem.convs[0][0].weight,
        learner.model.query_trunk.stem.convs[0][0].weight,
    )


def one_sentence(error, *parts):
    message = str(error.value)
    assert "\n" not in message and len(message) < 1500
    assert all(str(part) in message for part in parts), message


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04" + b"\0" * 500])
def test_a_corrupt_checkpoint_is_named(shards, tmp_path, content):
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(ModelError) as error:
        trainer(shards, tmp_path)
    one_sentence(error, tmp_path / "last.pt", "cannot be read")


def test_a_truncated_checkpoint_is_named(shards, tmp_path):
    trainer(shards, tmp_path, replace(SIX_STEPS, steps=1)).run(quiet)
    content = (tmp_path / "last.pt").read_bytes()
    for share in (0.3, 0.9, 0.999):
        (tmp_path / "last.pt").write_bytes(content[: int(share * len(content))])
        with pytest.raises(ModelError) as error:
            trainer(shards, tmp_path)
        one_sentence(error, tmp_path / "last.pt", "cannot be read")


def test_a_checkpoint_never_executes_code(shards, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path / "executed").touch, ()

    torch.save({"network": Trap()}, tmp_path / "last.pt")
    with pytest.raises(ModelError) as error:
        trainer(shards, tmp_path)
    one_sentence(error, tmp_path / "last.pt", "cannot be read")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [{}, [], {"network": TINY.to_dict()}, 7])
def test_a_foreign_checkpoint_is_named(shards, tmp_path, content):
    torch.save(content, tmp_path / "last.pt")
    with pytest.raises(ModelError) as error:
        trainer(shards, tmp_path)
    one_sentence(error, tmp_path / "last.pt")


def test_a_checkpoint_of_another_network_names_both(shards, tmp_path):
    trainer(shards, tmp_path, replace(SIX_STEPS, steps=1)).run(quiet)
    with pytest.raises(ModelError) as error:
        trainer(shards, tmp_path, network=replace(TINY, channels=24))
    one_sentence(error, tmp_path / "last.pt", "'channels': 16", "'channels': 24")


@pytest.mark.parametrize("content", [{}, {"trunk": {}, "facts": {}}, {"trunk": None}, []])
def test_a_trunk_that_does_not_fit_is_one_sentence(shards, tmp_path, content):
    torch.save(content, tmp_path / "trunk.pt")
    with pytest.raises(ModelError) as error:
        trainer(shards, tmp_path / "run", backbone=tmp_path / "trunk.pt")
    one_sentence(error, tmp_path / "trunk.pt")


def test_a_missing_trunk_is_one_sentence(shards, tmp_path):
    with pytest.raises(ModelError) as error:
        trainer(shards, tmp_path / "run", backbone=tmp_path / "trunk.pt")
    one_sentence(error, tmp_path / "trunk.pt", "does not exist")


def test_missing_data_is_one_sentence(tmp_path):
    with pytest.raises(SourceError) as error:
        trainer(tmp_path / "nowhere", tmp_path / "run").run(quiet)
    one_sentence(error, tmp_path / "nowhere", "holds no shard named")


def test_a_loss_that_is_not_finite_stops_before_it_does_harm(shards, tmp_path):
    config = replace(SIX_STEPS, checkpoint_every=1)
    learner = trainer(shards, tmp_path, config)
    learner.dies_at = 2
    with pytest.raises(Killed):
        learner.run(quiet)
    good = (tmp_path / "last.pt").read_bytes()
    broken = trainer(shards, tmp_path, config)
    with torch.no_grad():
        broken.model.head.score.bias.fill_(torch.nan)
    weights = broken.model.head.sides.weight.clone()
    with pytest.raises(TrackerError) as error:
        broken.run(quiet)
    one_sentence(error, "not finite at step 2", tmp_path / "last.pt")
    assert (tmp_path / "last.pt").read_bytes() == good
    assert torch.equal(broken.model.head.sides.weight, weights)


def test_a_gradient_that_is_not_finite_stops_too(shards, tmp_path):
    learner = trainer(shards, tmp_path)
    learner.model.head.sides.weight.register_hook(lambda gradient: gradient * torch.inf)
    weights = learner.model.label.weight.clone()
    with pytest.raises(TrackerError) as error:
        learner.run(quiet)
    one_sentence(error, "not finite at step 0", "no checkpoint holds the last good weights")
    assert torch.equal(learner.model.label.weight, weights)
    assert not (tmp_path / "last.pt").exists()


def test_a_broken_picture_in_a_worker_process_is_one_sentence(shards, tmp_path):
    content = (shards / "video-0.tar").read_bytes()
    (tmp_path / "video-0.tar").write_bytes(content.replace(b"\x89PNG", b"\x89BAD"))
    config = replace(SIX_STEPS, workers=1, sampling=SamplingConfig(weights={"video": 1.0}))
    (tmp_path / "imagenet1k-0.tar").write_bytes((shards / "imagenet1k-0.tar").read_bytes())
    with pytest.raises(SourceError) as error:
        trainer(tmp_path, tmp_path / "run", config).run(quiet)
    one_sentence(error, tmp_path / "video-0.tar", "is not a picture")

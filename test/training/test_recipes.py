"""STMTrack's and STIF's recipes: their papers' values, and that they run end to end on shards."""

from dataclasses import replace

import pytest
import torch

from tracker_ros.networks.build import build
from tracker_ros.networks.presets import PRESETS
from tracker_ros.training.loop import Trainer
from tracker_ros.training.optimisation.optimisers import learning_rate, make_optimiser
from tracker_ros.training.recipes import GATED, READ, RECIPES, idle, recipe, short


def test_stmtracks_values():
    made = recipe("stmtrack").training
    assert (made.optimiser, made.weight_decay, made.batch) == ("sgd", 1e-4, 64)
    assert made.steps == pytest.approx(20 * 300_000 / 64, abs=1)
    rates = [made.rate * learning_rate(epoch / 20, made) for epoch in (0, 1, 20)]
    assert rates == pytest.approx([0.01, 0.08, 1e-6])  # one epoch of warm-up, then a cosine
    assert (made.frozen, made.backbone_rate) == (0.5, 0.1)
    losses, sampling = made.losses, made.sampling
    assert (losses.classification, losses.centerness, losses.box) == (1, 1, 3)
    assert (losses.focal_alpha, losses.focal_gamma) == (0.75, 2)
    assert (sampling.memory_frames, sampling.query_frames, sampling.max_gap) == (3, 1, 100)
    assert sampling.negative == 0.33
    # The release's configuration for all its sets, and for GOT-10k alone.
    ratios = {
        "trackingnet": 0.65,
        "lasot": 0.3,
        "got10k": 0.2,
        "vid": 0.2,
        "det": 0.08,
        "coco": 0.07,
    }
    assert sampling.ratios == ratios
    alone = recipe("stmtrack").got10k
    assert (alone.batch, alone.steps) == (32, 20 * 150_000 // 32)
    assert alone.sampling.ratios == {"got10k": 1}


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "dastm_filter"])
def test_no_paper_gets_what_it_does_not_print(name):
    made = recipe(name).training
    assert (made.precision, made.ema) == ("fp32", 0)
    assert made.clip == (0.1 if name == "ustam" else 0)  # MixViT's
    c = made.sampling
    extras = (c.colour, c.degraded, c.low_light, c.occluder, c.distractor, c.look_alike, c.rotation)
    assert not any(extras) and c.pasted == 0
    assert (c.mirrored, c.grey) == ((0.5, 0.05) if name == "ustam" else (0, 0))  # MixViT's
    assert recipe(name).pretrained or name == "siamfc"


def test_the_papers_gate_learns_from_the_trackers_loss_alone():
    paper = recipe("dastm").training
    assert (paper.losses.gate_balance, paper.losses.gate_budget) == (0, 0)
    assert short(paper).losses.gate_balance > 0


def test_mixvits_backbone_learns_at_a_tenth_of_the_rate():
    made = PRESETS["ustam_b288"]
    with torch.device("meta"):
        model = build("ustam", replace(made.network, depth=2).to_dict())
    head, vit = make_optimiser(model, recipe("ustam").training).param_groups
    assert (head["share"], vit["share"]) == (1, 0.1)
    slow = {id(value) for value in vit["params"]}
    assert {name.partition(".")[0] for name, p in model.named_parameters() if id(p) in slow} == {
        "embedding",
        "blocks",
    }
    assert [block.drop for block in model.blocks] == [0, 0.1]


def test_stifs_values():
    made = recipe("stif").training
    assert (made.optimiser, made.weight_decay, made.batch) == ("sgd", 1e-4, 20)
    assert made.steps == 20 * 150_000 / 20
    losses, sampling = made.losses, made.sampling
    assert (losses.classification, losses.centerness, losses.box) == (1, 1, 1)
    assert (sampling.memory_frames, sampling.causal) == (1 + 3, True)  # the anchor and T


def test_for_got10ks_rule_nothing_but_the_data_and_mixvits_epochs_change():
    for name, epochs, samples in (("stif", 20, 150_000), ("ustam", 500, 15_000)):
        made, alone = recipe(name).training, recipe(name).got10k
        assert alone.steps == epochs * samples // alone.batch
        assert alone.sampling.ratios == {"got10k": 1}
        same = {"steps": made.steps, "sampling": made.sampling}
        assert replace(alone, **same) == made


class Watched:
    """A configuration that notes what is looked at."""

    def __init__(self, config, seen):
        self.config, self.seen = config, seen

    def __getattr__(self, name):
        self.seen.add(name)
        return getattr(self.config, name)


def test_a_gate_that_does_not_learn_has_no_loss():
    assert set(GATED).isdisjoint(idle(PRESETS["dastm"]))
    assert set(GATED) < set(idle(PRESETS["sastm"])) and set(GATED) < set(idle(PRESETS["stif"]))


HEAD = {"head_channels": 16, "head_depth": 1}
SIAMESE = {"ffn": 16, "layers": 1}
SMALL = {"query_size": 64, "memory_size": 64}
USTAM = {"heads": 2, "depth": 2, "head_channels": 16, "query_size": 64, "template_size": 64,
         "patch": 16}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sizes", "crops"),
    [
        ("stmtrack_tiny", HEAD, SMALL),
        ("stif_tiny", HEAD, SMALL),
        ("ustam_tiny", USTAM, SMALL),
        ("dastsiam_tiny", SIAMESE, {}),
        ("siamfc_st_tiny", SIAMESE, {}),
    ],
)
def test_trains_on_shards_by_the_papers_recipe(name, sizes, crops, shards, tmp_path):
    made = PRESETS[name]
    made = made._replace(
        network=replace(made.network, channels=16, **sizes),
        tracking=replace(made.tracking, **crops),
    )
    paper = recipe(made.architecture)
    config = replace(paper.training, batch=2, steps=2, workers=0)
    seen: set[str] = set()

    def loss(model, batch, tracking, losses):
        return paper.loss(model, batch, tracking, Watched(losses, seen))

    learner = Trainer(shards, tmp_path, made, config, loss)
    before = {key: value.clone() for key, value in learner.model.state_dict().items()}
    learner.run(lambda _: None)
    after = learner.model.state_dict()
    assert learner.step == 2
    assert seen == set(READ[paper.loss]) - {"query_frames"}
    still = [key for key, value in before.items() if torch.equal(value, after[key])]
    assert [key for key in still if "num_batches" not in key] == []


def test_the_papers_dastm_has_its_sizes_and_mobileones_branches():
    made = PRESETS["dastm_paper"]
    sizes, tracking = made.network, made.tracking
    assert (tracking.query_size, tracking.memory_size) == (289, 289)
    assert (sizes.channels, sizes.head_depth, sizes.depths) == (512, 7, (2, 8, 10))
    with torch.device("meta"):
        stage = build("dastm", sizes.to_dict()).memory_trunk.stages[1][3]
    assert len(stage[0].convs) == 4 and stage[0].scale is not None and stage[0].skip is not None

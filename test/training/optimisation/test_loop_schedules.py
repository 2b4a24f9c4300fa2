"""What changes along the schedule: the learning rate of each paper, the gate's temperature."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from tracker_ros.core.errors import ModelError
from tracker_ros.networks.presets import PRESETS
from tracker_ros.training.config import TrainingConfig
from tracker_ros.training.optimisation.optimisers import learning_rate, make_optimiser
from tracker_ros.training.recipes import (
    DASTM,
    DASTSIAM,
    RECIPES,
    SIAMFC,
    STIF,
    STMTRACK,
    USTAM,
    recipe,
    short,
)


@pytest.mark.parametrize(
    ("progress", "factor"),
    [(0.0, 0.02), (0.05, 0.51), (0.1, 1.0), (0.55, 0.51), (1.0, 0.02), (1.5, 0.02)],
)
def test_the_default_rate(progress, factor):
    assert learning_rate(progress, TrainingConfig(warmup=0.1)) == pytest.approx(factor)


@pytest.mark.parametrize("training", [TrainingConfig(), STMTRACK, DASTM, STIF, DASTSIAM])
def test_a_rate_never_jumps(training):
    rates = [learning_rate(step / 1000, training) for step in range(1001)]
    assert max(abs(a - b) for a, b in pairwise(rates)) < 0.035
    assert min(rates) == pytest.approx(training.final_rate) and max(rates) == pytest.approx(1)


@pytest.mark.parametrize(
    ("training", "epochs", "rates"),
    [
        (STMTRACK, 20, {0: 0.01, 0.5: 0.045, 1: 0.08, 10.5: 0.04, 20: 1e-6}),
        (STIF, 20, {0: 0.01, 1: 0.08, 20: 1e-6}),
        (DASTM, 20, {0: 0.005, 10: (0.005 * 1e-4) ** 0.5, 20: 1e-4}),
        (USTAM, 500, {0: 1e-4, 399: 1e-4, 400: 1e-5, 500: 1e-5}),
        # "For the remainder" of the training: from when the backbone learns, too.
        (DASTSIAM, 50, {0: 0.005, 10: 0.005, 30: (0.005 * 0.0005) ** 0.5, 50: 0.0005}),
        (SIAMFC, 50, {0: 0.01, 25: (0.01 * 1e-5) ** 0.5, 50: 1e-5}),
    ],
)
def test_the_papers_rates(training, epochs, rates):
    for epoch, rate in rates.items():
        found = training.rate * learning_rate(epoch / epochs, training)
        assert found == pytest.approx(rate, rel=1e-4)


def test_the_papers_numbers():
    assert (DASTM.steps, DASTM.batch, DASTM.frozen) == (600_000, 32, 0.2)
    assert (STMTRACK.steps, STMTRACK.batch, STMTRACK.frozen) == (93_750, 64, 0.5)
    assert (STIF.steps, STIF.batch, STIF.sampling.memory_frames) == (150_000, 20, 4)
    assert (DASTSIAM.batch, DASTSIAM.frozen, DASTSIAM.sampling.max_gap) == (12, 0.2, 50)
    assert (USTAM.optimiser, USTAM.weight_decay, USTAM.sampling.query_frames) == ("adamw", 1e-4, 2)


def test_every_model_has_a_recipe():
    for name, design in PRESETS.items():
        training = recipe(design.architecture).training
        assert short(training).sampling.memory_frames == training.sampling.memory_frames, name
        assert short(training).optimiser == "adamw"
    with pytest.raises(ModelError, match="no recipe to train 'dasm'; there is stmtrack,"):
        recipe("dasm")
    assert all(recipe.training.steps > 1000 for recipe in RECIPES.values())


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.query_trunk, self.head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)


def test_the_optimisers():
    sgd = make_optimiser(Small(), STMTRACK)
    assert isinstance(sgd, torch.optim.SGD)
    assert [group["momentum"] for group in sgd.param_groups] == [0.9, 0.9]
    assert [group["weight_decay"] for group in sgd.param_groups] == [1e-4, 1e-4]
    assert [group["share"] for group in sgd.param_groups] == [1.0, 0.1]
    assert isinstance(make_optimiser(Small(), USTAM), torch.optim.AdamW)


def test_a_warm_up_of_nothing_is_none():
    training = replace(TrainingConfig(), warmup=0.0)
    assert learning_rate(0.0, training) == 1.0

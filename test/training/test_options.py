"""Values given as NAME=VALUE take the type of what they replace; every number has its bounds."""

import math
from dataclasses import fields

import pytest

from tracker_ros.core.errors import ParameterError
from tracker_ros.networks.architectures.dastsiam import DastsiamConfig
from tracker_ros.training.config import LossConfig, SamplingConfig, TrainingConfig, option_name
from tracker_ros.training.options import overridden
from tracker_ros.training.refinement.config import RefinerConfig


def test_values_take_the_type_of_what_they_replace():
    texts = ["st=false", "released=True", "widths=8,8,16,24", "anchor=32", "backbone=mobileone"]
    config = overridden(DastsiamConfig(), texts, "--network")
    assert (config.st, config.released, config.da) == (False, True, True)
    assert (config.widths, config.anchor, config.backbone) == ((8, 8, 16, 24), 32.0, "mobileone")


ODD = ["st=no", "st=", "st", "st=1", "widths=8,x", "heads=2.5", "of=1"]
ODD += ["heads=1_0", "dropout=0.1_0", "widths=8,1_0"]


@pytest.mark.parametrize("text", ODD)
def test_values_of_another_type_are_refused(text):
    with pytest.raises(ParameterError, match=f"--network '{text}'"):
        overridden(DastsiamConfig(), [text], "--network")


@pytest.mark.parametrize("config", [TrainingConfig, SamplingConfig, LossConfig, RefinerConfig])
def test_numbers_without_a_meaning_are_refused(config):
    for part in fields(config):
        old = getattr(config(), part.name)
        if not part.metadata or isinstance(old, str | bool):
            continue
        odd = [-1, 10**400, math.nan, math.inf]
        if part.name != "clip" and not isinstance(old, int):  # any norm of a gradient may be
            odd += [1e300]
        for value in odd:
            with pytest.raises(ParameterError, match=f"^{option_name(config, part)} "):
                config(**{part.name: {"x": value} if isinstance(old, dict) else value})

"""Values given as NAME=VALUE take the type of what they replace."""

import pytest

from tracker_ros.core.errors import ParameterError
from tracker_ros.networks.architectures.dastsiam import DastsiamConfig
from tracker_ros.training.options import overridden


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

from pathlib import Path

import pytest

import tracker_ros
from tracker_ros.sources.bag.vision_types import DEFINITIONS

MESSAGES = Path(tracker_ros.__file__).parent / "interfaces" / "vision_msgs" / "msg"


@pytest.mark.parametrize("name", DEFINITIONS)
def test_they_are_those_that_vision_msgs_is_built_from(name):
    lines = (MESSAGES / f"{name}.msg").read_text().splitlines()
    fields = [line.partition("#")[0].strip() for line in lines]
    assert DEFINITIONS[name].split("\n") == [field for field in fields if field]

"""The one table of parameters, and what must agree with it."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tracker_ros.core.errors import ParameterError
from tracker_ros.nodes.parameters import NODES, PLAYER, TRACKER
from tracker_ros.nodes.parameters.__main__ import USUAL, documentation, markdown
from tracker_ros.nodes.parameters.on_node import descriptor, read
from tracker_ros.nodes.parameters.parameter import (
    ACTIVATE,
    AT_ONCE,
    CONFIGURE,
    START,
    Parameter,
    initial_box,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("node", NODES)
def test_yaml_holds_every_parameter_at_its_default(node):
    content = yaml.safe_load((ROOT / "config" / "tracker.yaml").read_text())
    values = content[f"/**/{node}"]["ros__parameters"]
    assert values == {p.name: p.default for p in NODES[node]}
    for parameter in NODES[node]:
        parameter.check(values[parameter.name])


@pytest.mark.parametrize("file", documentation())
def test_documents_hold_the_tables(file):
    text = (ROOT / file).read_text()
    begin, end = "<!-- parameters:begin -->", "<!-- parameters:end -->"
    assert text.partition(begin)[2].partition(end)[0].strip() == documentation()[file]


def test_every_usual_parameter_is_one():
    assert set(USUAL) <= {p.name for p in TRACKER}


@pytest.mark.parametrize("parameter", [p for table in NODES.values() for p in table],
                         ids=lambda p: p.name)  # fmt: skip
def test_entry_is_complete(parameter):
    parameter.check(parameter.default)
    assert parameter.description.endswith(".")
    assert parameter.limits is None or parameter.limits[0] < parameter.limits[1]
    told = descriptor(parameter)
    assert told.description == parameter.description
    assert told.read_only == (parameter.applies == START)
    if parameter.limits is not None:
        (limits,) = [*told.floating_point_range, *told.integer_range]
        assert (limits.from_value, limits.to_value) == parameter.limits


@pytest.mark.parametrize("node", NODES)
def test_a_parameter_is_about_others_of_its_node(node):
    table = {p.name: p for p in NODES[node]}
    for parameter in table.values():
        for name, value in parameter.about:
            table[name].check(value)


@pytest.mark.parametrize("name, value, words", [
    ("watchdog", 2, "is 2, but must be a double from 0.1 to 3600; write 2.0"),
    ("watchdog", 0.0, "is 0.0, but must be a double from 0.1 to 3600"),
    ("watchdog", float("nan"), "is nan, but must be a double from"),
    ("max_targets", "three", "is 'three', but must be an integer from 1 to 64"),
    ("engine", "abacus", "is 'abacus', but must be one of auto, torch, onnx"),
    ("autostart", "yes", "is 'yes', but must be a bool"),
    ("init_bbox", 5, "is 5, but must be x,y,w,h in pixels, w and h above 0"),
    *(("init_bbox", text, f"is '{text}', but must be x,y,w,h in pixels")
      for text in ("1,2,3", "1,2,3,0", "1,2,nan,4", "a,b,c,d", "1,2,3,4,5", "inf,0,1,1", " ")),
])  # fmt: skip
def test_value_out_of_type_or_range(name, value, words):
    table = {p.name: p for p in TRACKER}
    with pytest.raises(ParameterError, match=f"parameter {name} {words}|{words}"):
        table[name].check(value)


@pytest.mark.parametrize("applies, stages", [
    (CONFIGURE, {"unconfigured"}),
    (ACTIVATE, {"unconfigured", "inactive"}),
    (AT_ONCE, {"unconfigured", "inactive", "active"}),
])  # fmt: skip
def test_stage_in_which_a_parameter_can_be_set(applies, stages):
    parameter = Parameter("x", 1, "An example.", applies)
    for stage in ("unconfigured", "inactive", "active"):
        if stage in stages:
            parameter.check_stage(stage)
        else:
            with pytest.raises(ParameterError, match=f"parameter x can be set .* not {stage}"):
                parameter.check_stage(stage)


def test_box_in_words():
    assert initial_box("1, 2.5,30,4e1") == (1.0, 2.5, 30.0, 40.0)
    assert initial_box("") is None


def test_markdown_has_one_line_for_each_parameter():
    lines = markdown(TRACKER).splitlines()
    assert len(lines) == len(TRACKER) + 2
    assert {line.count("|") for line in lines} == {7}


def test_read_gives_the_values_by_name():
    node = SimpleNamespace(get_parameter=lambda name: SimpleNamespace(value=name.upper()))
    values = read(node, PLAYER)
    assert (values.source, values.frame_id) == ("SOURCE", "FRAME_ID")

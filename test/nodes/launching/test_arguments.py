"""The launch files' arguments, where ``launch`` need not be."""

from types import SimpleNamespace

import pytest

from tracker_ros.core.errors import ParameterError
from tracker_ros.nodes.launching import arguments
from tracker_ros.nodes.launching.arguments import TRACK
from tracker_ros.nodes.parameters import FOLLOW

FOLLOWER = arguments.of_node(FOLLOW, "depth_scale", "slop", "tf")


def read(table, argv=(), **given):
    texts = {argument.parameter.name: "" for argument in table} | given
    return arguments.read(SimpleNamespace(launch_configurations=texts, argv=argv), table)


def test_what_is_empty_is_left_to_the_parameter_file():
    values = read(TRACK)
    assert set(values) == {
        "namespace", "params_file", "image_topic", "detections_topic", "rviz", "select", "log_level"
    }  # fmt: skip
    assert (values["image_topic"], values["rviz"]) == ("image", False)


def test_values_have_their_parameters_types():
    values = read(TRACK, max_targets="3", model="1", init_bbox="1,2,3,4")
    assert (values["max_targets"], values["model"]) == (3, "1")
    assert values["init_bbox"] == "1,2,3,4"
    assert read(FOLLOWER, depth_scale="1", tf="TRUE") == {"depth_scale": 1.0, "tf": True}


def test_levels_are_taken_in_any_case_and_topics_as_ros_names_them():
    values = read(TRACK, log_level="WARN", image_topic="~/image", detections_topic="/a/{node}")
    assert values["log_level"] == "warn"
    assert (values["image_topic"], values["detections_topic"]) == ("~/image", "/a/{node}")


@pytest.mark.parametrize("text, value", [
    ("true", True), ("True", True), ("1", True), ("yes", True), ("ON", True),
    ("false", False), ("FALSE", False), ("0", False), ("No", False), ("off", False),
])  # fmt: skip
def test_booleans_are_what_launch_takes_for_them(text, value):
    assert read(TRACK, rviz=text, autostart=text)["rviz"] is value
    assert read(TRACK, rviz=text, autostart=text)["autostart"] is value


@pytest.mark.parametrize("table, name, text, words", [
    (TRACK, "max_targets", "three", "but must be an integer from 1 to 64"),
    (TRACK, "max_targets", "99", "but must be an integer from 1 to 64"),
    (TRACK, "max_targets", "2.5", "but must be an integer from 1 to 64"),
    (TRACK, "use_sim_time", "maybe", "but must be true or false"),
    (TRACK, "rviz", "2", "but must be true or false"),
    (TRACK, "init_bbox", "1,2,3", "but must be x,y,w,h in pixels, w and h above 0"),
    (TRACK, "engine", "abacus", "but must be one of auto, torch, onnx, tensorrt"),
    (TRACK, "log_level", "warning", "but must be one of debug, info, warn, error, fatal"),
    (TRACK, "image_topic", "/camera//image", "but must name a topic"),
    (TRACK, "detections_topic", "/camera/detections/", "but must name a topic"),
    (FOLLOWER, "depth_scale", "abc", "but must be a double from 1e-06 to 1000"),
    (FOLLOWER, "slop", "nan", "but must be a double from 0 to 10"),
    (FOLLOWER, "tf", "maybe", "but must be true or false"),
])  # fmt: skip
def test_a_wrong_value_names_its_argument_and_what_that_takes(table, name, text, words):
    with pytest.raises(ParameterError, match=f"^argument {name} is '{text}', {words}$"):
        read(table, **{name: text})


def test_a_slip_in_a_name_is_told_once(caplog):
    for _ in range(2):  # as where one launch file includes the other
        read(TRACK, ["init_box:=1,2,3,4", "max_targets:=3", "brightness:=3"], max_targets="3")
    assert caplog.messages == [
        "there is no argument init_box, and it is ignored; did you mean init_bbox?"
    ]


def test_an_argument_without_effect_is_told_once(caplog):
    texts = {argument.parameter.name: "" for argument in TRACK}
    texts |= {"detections_topic": "detections", "host": "0.0.0.0", "port": "8083"}
    context = SimpleNamespace(launch_configurations=texts)
    names = ("host", "port", "detections_topic")
    arguments._warn.cache_clear()
    for _ in range(2):
        arguments.warn_of_idle(context, TRACK, names, "select is false")
    texts |= {"host": "127.0.0.1", "port": "8080"}  # as they are by default
    arguments.warn_of_idle(context, TRACK, names, "it is at its default")
    assert caplog.messages == [
        f"argument {name} has no effect: select is false" for name in ("host", "port")
    ]


@pytest.mark.parametrize("namespace, prefix, full", [
    ("left", "", "/left"), ("left", "/robot", "/robot/left"), ("/left", "/robot", "/left"),
])  # fmt: skip
def test_a_namespace_is_below_the_one_that_was_pushed(namespace, prefix, full):
    context = SimpleNamespace(launch_configurations={"ros_namespace": prefix} if prefix else {})
    assert arguments.full_namespace(context, {"namespace": namespace}) == full

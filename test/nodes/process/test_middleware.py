"""A middleware that cannot start is told in one sentence, before anything depends on it."""

import pytest

from tracker_ros.core.errors import ParameterError, TrackerError
from tracker_ros.nodes.process import middleware, tryout

pytest.importorskip("rclpy", reason="rclpy is not installed here")

WRONG = [
    ("RMW_IMPLEMENTATION", "rmw_nothing", "RMW_IMPLEMENTATION is 'rmw_nothing', but there is only"),
    ("ROS_DOMAIN_ID", "999", "ROS_DOMAIN_ID is '999', but must be a whole number from 0 to 232"),
    ("ROS_DOMAIN_ID", "abc", "ROS_DOMAIN_ID is 'abc', but must be a whole number from 0 to 232"),
    ("ROS_STATIC_PEERS", "@@@", "ROS_STATIC_PEERS=@@@: error creating node"),
]


@pytest.mark.parametrize("name", ["tracker_node", "follow_node", "player_node"])
@pytest.mark.parametrize("variable, value, words", WRONG)
def test_a_node_says_which_variable_is_wrong(run_node, monkeypatch, name, variable, value, words):
    monkeypatch.setenv(variable, value)
    code, output = run_node(name).end()
    assert code == 1
    line = output.strip().splitlines()[-1]
    assert line.startswith("tracker-ros: error: ")
    assert words in line
    assert "Traceback" not in output


@pytest.mark.parametrize("variable, value, words", WRONG)
def test_trying_it_out_says_which_variable_is_wrong(ros, monkeypatch, variable, value, words):
    tryout.try_out()  # as it is, it works
    monkeypatch.setenv(variable, value)
    with pytest.raises(TrackerError) as raised:
        tryout.try_out()
    assert words in str(raised.value)


def test_what_ends_the_process_from_c_is_told_without_an_index(ros, monkeypatch):
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_nothing")
    monkeypatch.setattr(middleware, "installed", lambda environment: set())
    with pytest.raises(TrackerError, match=r"with RMW_IMPLEMENTATION=rmw_nothing: .*rmw_nothing"):
        tryout.try_out()


def test_the_index_says_which_middlewares_there_are(tmp_path):
    index = tmp_path / "share" / "ament_index" / "resource_index" / "rmw_typesupport"
    index.mkdir(parents=True)
    for name in ("rmw_implementation", "rmw_cyclonedds_cpp"):
        (index / name).touch()
    environment = {"AMENT_PREFIX_PATH": f"/none:{tmp_path}"}
    assert "rmw_cyclonedds_cpp" in middleware.installed(environment)
    assert "rmw_implementation" not in middleware.installed(environment)
    middleware.check(environment | {"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"})


@pytest.mark.parametrize("value", ["", "0", "232", "072", "0x10", " 7", "-1"])
def test_domains_that_rcl_takes_are_taken(value):
    middleware.check({"ROS_DOMAIN_ID": value})


def test_zenoh_has_no_highest_domain(tmp_path, monkeypatch):
    monkeypatch.setattr(middleware, "installed", lambda environment: {"rmw_zenoh_cpp"})
    middleware.check({"RMW_IMPLEMENTATION": "rmw_zenoh_cpp", "ROS_DOMAIN_ID": "999"})
    with pytest.raises(ParameterError):
        middleware.check({"RMW_IMPLEMENTATION": "rmw_zenoh_cpp", "ROS_DOMAIN_ID": "x"})

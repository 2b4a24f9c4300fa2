"""The tracker node's states, parameters, quality of service and watchdog over DDS."""

import pytest

from .conftest import BLANK


def state(tracker) -> str:
    from lifecycle_msgs.srv import GetState

    return tracker.call(GetState, "get_state", GetState.Request()).current_state.label


def test_autostart_activates(tracker):
    assert state(tracker) == "active"


def test_a_required_node_that_cannot_start_ends(run_node):
    node = run_node("tracker_node", "-p", "model:=gone.safetensors", "-p", "required:=true")
    code, output = node.end()
    assert code == 1 and "gone.safetensors does not exist" in output
    assert "error: tracker_node is required, but cannot start; see above" in output
    assert "Traceback" not in output


def test_deactivated_node_does_not_track_and_says_so(tracker, scene):
    from std_srvs.srv import Trigger

    tracker.start(scene.frame(0), scene.box(0))
    assert tracker.change_state("deactivate")
    tracker.until(lambda: not tracker.images.get_subscription_count(), "the end of subscribing")
    response = tracker.call(Trigger, "reset", Trigger.Request())
    assert (response.success, response.message) == (False, "the node is inactive, not active")
    tracker.init(scene.box(0), 0)
    tracker.diagnosis("target", "while the node is inactive")
    assert tracker.change_state("activate")
    tracker.meet()
    _, values = tracker.ask(scene.frame(1))
    assert values["state"] == "NO_TARGET"
    tracker.start(scene.frame(1), scene.box(1))
    detections, _ = tracker.ask(scene.frame(2))
    assert tracker.overlap(detections, scene.box(2)) > 0.5


@pytest.mark.parametrize("label, number", [
    ("", 1), ("", 0), ("", 2), ("", 3), ("", 8), ("", 62), ("", 255), ("configure", 0),
    ("transition_success", 0), ("nonsense", 0),
])  # fmt: skip
def test_impossible_transition_is_refused_and_changes_nothing(tracker, scene, label, number):
    target = tracker.start(scene.frame(0), scene.box(0))
    assert not tracker.change_state(label, number)
    assert state(tracker) == "active"
    _, values = tracker.ask(scene.frame(1))
    assert values["target_id"] == target


def test_model_that_cannot_be_loaded_leaves_the_node_to_be_configured_again(tracker, scene):
    assert tracker.set_parameters(model="absent") == [
        "parameter model can be set while the node is unconfigured, not active"
    ]
    assert tracker.change_state("deactivate")
    assert tracker.change_state("cleanup")
    assert tracker.set_parameters(model="absent") == []
    assert not tracker.change_state("configure")
    assert tracker.diagnosis("back end", "absent").level == b"\x02"
    assert state(tracker) == "unconfigured"
    assert tracker.set_parameters(model="dastm") == []
    assert tracker.change_state("configure")
    assert tracker.change_state("activate")
    tracker.meet()
    tracker.diagnosis("back end", "")
    tracker.start(scene.frame(0), scene.box(0))


def test_back_end_is_what_really_runs(tracker):
    from tracker_ros import load_tracker

    status = tracker.diagnosis("back end", "")
    assert (status.level, status.message) == (b"\x00", load_tracker("dastm").engine.provider)


def test_gate_window_sums_up_what_was_memorised(tracker, scene):
    tracker.start(scene.frame(0), scene.box(0))
    for i in range(10):
        tracker.ask(scene.frame(i))
    status = tracker.diagnosis("gate", "high computation in ")
    values = {item.key: float(item.value) for item in status.values}
    assert 1 <= values["frames"] <= 100
    means = [values[f"mean_{name}"] for name in ("skip", "se", "ca", "cbam")]
    assert sum(means) == pytest.approx(1, abs=1e-3)
    assert 0 <= values["entropy_bits"] <= 2
    assert 0 <= values["high_computation_share"] <= 1


def test_init_bbox_starts_on_the_first_frame(tracker, scene):
    assert tracker.change_state("deactivate")
    (refused,) = tracker.set_parameters(init_bbox="10,20,30")
    assert refused.startswith("parameter init_bbox is '10,20,30', but must be x,y,w,h in pixels")
    assert tracker.set_parameters(init_bbox=",".join(map(str, scene.box(0)))) == []
    assert tracker.change_state("activate")
    detections = tracker.detections[tracker.meet(scene.frame(0))][0]
    assert tracker.overlap(detections, scene.box(0)) > 0.99
    tracker.restart(init_bbox="")
    tracker.meet()


def test_incompatible_quality_of_service_is_reported_with_topic_and_policy(tracker):
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = tracker.node.create_publisher(Image, "image", best_effort)
    status = tracker.diagnosis("watchdog", "incompatible")
    assert status.level == b"\x02"
    assert status.message.startswith("/camera1/image: a publisher offers incompatible")
    assert "(reliability); asked for reliable, volatile;" in status.message
    assert "offers sensor_msgs/msg/Image best effort, volatile" in status.message
    tracker.restart(image_qos="SENSOR_DATA")  # which takes images from either
    tracker.until(publisher.get_subscription_count, "a match with the best-effort publisher")
    tracker.node.destroy_publisher(publisher)
    tracker.meet()

    def calm() -> bool:
        tracker.ask(BLANK)  # the watchdog does not wait for a slow machine
        status = tracker.diagnosis("watchdog", "")
        return (status.level, status.message) == (b"\x00", "active")

    tracker.until(calm, "the end of the error")
    tracker.restart(image_qos="DEFAULT")
    tracker.meet()


def test_what_was_wrong_before_is_over_where_the_node_becomes_active_anew(tracker, scene):
    tracker.send(scene.frame(0), encoding="nonsense")
    tracker.diagnosis("input", "nonsense")
    tracker.restart()
    assert tracker.diagnosis("input", "").message == "active"
    tracker.meet()


def test_watchdog_warns_with_topic_and_offered_quality_of_service(tracker):
    assert tracker.set_parameters(watchdog=0.5) == []
    status = tracker.diagnosis("watchdog", "/camera1/image: no image for")
    assert status.level == b"\x01"
    assert "peer offers sensor_msgs/msg/Image reliable, volatile" in status.message
    assert tracker.set_parameters(watchdog=2.0) == []


def test_compressed_images(tracker, scene):
    tracker.restart(image_transport="compressed")
    tracker.until(tracker.jpegs.get_subscription_count, "a subscriber of the compressed images")
    stamp = tracker.taken(tracker.send_jpeg(scene.frame(0)))
    tracker.init(scene.box(0), stamp)
    tracker.started(stamp, scene.box(0))
    detections, _ = tracker.answer(tracker.send_jpeg(scene.frame(1)))
    assert tracker.overlap(detections, scene.box(1)) > 0.5

    for data, words in ((b"\xff\xd8 truncated \xff\xda", "17 bytes"), (b"", "no data"),
                        (b"something else", "14 bytes")):  # fmt: skip
        bad = tracker.send_jpeg(scene.frame(2), data)
        status = tracker.diagnosis("input", words)
        assert status.message.startswith("/camera1/image/compressed: compressed image")
    detections, _ = tracker.answer(tracker.send_jpeg(scene.frame(2)))
    assert tracker.overlap(detections, scene.box(2)) > 0.5
    assert bad not in tracker.detections
    tracker.restart(image_transport="raw")
    tracker.meet()


def test_parameters_out_of_range_are_refused(tracker):
    (reason,) = tracker.set_parameters(auto_init_score=1.5)
    assert "auto_init_score" in reason
    (reason,) = tracker.set_parameters(autostart=False)
    assert "read-only" in reason
    (reason,) = tracker.set_parameters(autostarts=False)
    assert reason == "there is no parameter autostarts"


@pytest.mark.parametrize("name, value, reason", [
    ("watchdog", 2, "parameter watchdog is of type integer, but must be double; write 2.0"),
    ("watchdog", "2", "parameter watchdog is of type string, but must be double"),
    ("auto_init_class", ["cup"],
     "parameter auto_init_class is of type string_array, but must be string"),
    ("use_sim_time", 1, "parameter use_sim_time is of type integer, but must be bool"),
])  # fmt: skip
def test_a_value_of_another_type_is_refused_by_name(tracker, name, value, reason):
    """Of several at once the sentence alone says which it was, and none is set."""
    from rcl_interfaces.srv import SetParametersAtomically
    from rclpy.parameter import Parameter

    assert tracker.set_parameters(**{name: value}) == [reason]
    values = {"auto_init_score": 0.75, name: value}
    changes = [Parameter(key, value=one).to_parameter_msg() for key, one in values.items()]
    request = SetParametersAtomically.Request(parameters=changes)
    result = tracker.call(SetParametersAtomically, "set_parameters_atomically", request).result
    assert (result.successful, result.reason) == (False, reason)
    assert tracker.parameter("auto_init_score").double_value == 0.5


def test_a_value_of_no_type_is_refused_and_changes_nothing(tracker, scene):
    """As a program in another language may send it; rclpy raises for it, which ended the node."""
    from rcl_interfaces.msg import Parameter, ParameterValue
    from rcl_interfaces.srv import SetParameters, SetParametersAtomically

    tracker.start(scene.frame(0), scene.box(0))
    good = Parameter(name="watchdog", value=ParameterValue(type=3, double_value=2.0))
    bad = Parameter(name="watchdog", value=ParameterValue(type=99))
    reason = "parameter watchdog has a value of type 99, which there is not"
    request = SetParameters.Request(parameters=[good, bad])
    results = tracker.call(SetParameters, "set_parameters", request).results
    assert [(one.successful, one.reason) for one in results] == [(True, ""), (False, reason)]
    request = SetParametersAtomically.Request(parameters=[good, bad])
    result = tracker.call(SetParametersAtomically, "set_parameters_atomically", request).result
    assert (result.successful, result.reason) == (False, reason)
    _, values = tracker.ask(scene.frame(1))
    assert values["state"] == "TRACKING"


@pytest.mark.parametrize("name", ["tracker_node", "select_node"])
def test_a_time_before_0_is_passed_over(ros, run_node, name):
    """For which rclpy raises, which ended the node."""
    from builtin_interfaces.msg import Time
    from rosgraph_msgs.msg import Clock

    from .conftest import Peer

    space = f"/{name}_in_simulation"
    # A node that has it from the start subscribes before anything else can be done with it.
    node = run_node(name, "-r", f"__ns:={space}", "-p", "use_sim_time:=true",
                    *(["-p", "port:=0"] if name == "select_node" else []))  # fmt: skip
    peer = Peer(ros, space)
    peer.asked = name
    clock = peer.node.create_publisher(Clock, "/clock", 10)

    def warned() -> bool:
        clock.publish(Clock(clock=Time(sec=-5)))
        return node.output.count("/clock says -5 s") > before

    try:
        before = 0
        peer.until(warned, "a warning")
        assert peer.set_parameters(use_sim_time=False) == []
        assert peer.set_parameters(use_sim_time=True) == []
        before = node.output.count("/clock says -5 s")
        peer.until(warned, "a warning anew")
    finally:
        peer.node.destroy_node()
    code, output = node.end(2)
    assert code == 0 and "Traceback" not in output

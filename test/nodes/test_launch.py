"""The launch files, where ROS 2's launch is installed."""

import logging
import os
import signal
from pathlib import Path
from typing import NamedTuple

import pytest

FOLDER = Path(__file__).parents[2] / "launch"
REASON = "launch_ros comes with a ROS 2 installation, not from PyPI"


class Ended(NamedTuple):
    """A launch that has ended."""

    status: int
    output: str  # of its processes
    told: str  # what launch itself logged as errors
    started: list[str]  # names of its processes


@pytest.fixture
def run(ros):
    """Run a launch file until it ends or `enough(output)`.

    `kill`: the name of a process, a signal for it, and the words of the output that it waits for.
    """
    launch = pytest.importorskip("launch", reason=REASON)
    pytest.importorskip("launch_ros", reason=REASON)
    from launch.actions import EmitEvent, IncludeLaunchDescription, RegisterEventHandler
    from launch.event_handlers import OnProcessIO, OnProcessStart
    from launch.events import Shutdown
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    def run(name, arguments, enough=lambda output: False, kill=None):
        output, started, told = "", {}, []

        def start(event, context):
            started[event.process_name.rpartition("-")[0]] = event.pid

        def read(event):
            nonlocal output, kill
            output += event.text.decode()
            if kill and kill[2] in output:
                os.kill(started[kill[0]], kill[1])
                kill = None
            return EmitEvent(event=Shutdown()) if enough(output) else None

        errors = logging.Handler(logging.ERROR)
        errors.emit = lambda record: told.append(record.getMessage())
        logger = launch.logging.get_logger("launch")
        logger.addHandler(errors)
        source = PythonLaunchDescriptionSource(str(FOLDER / name))
        service = launch.LaunchService(noninteractive=True)
        service.include_launch_description(launch.LaunchDescription([
            RegisterEventHandler(OnProcessStart(on_start=start)),
            RegisterEventHandler(OnProcessIO(on_stdout=read, on_stderr=read)),
            IncludeLaunchDescription(source, launch_arguments=arguments.items()),
        ]))  # fmt: skip
        try:
            status = service.run()
        finally:
            logger.removeHandler(errors)
        return Ended(status, output, "\n".join(told), list(started))

    return run


@pytest.fixture
def record(scene, tmp_path):
    """Writes a bag with these topics of images, and with the truth or without."""
    from tracker_ros.conversions.boxes import box_to_detection
    from tracker_ros.conversions.images import bgr_to_image
    from tracker_ros.conversions.stamps import ns_to_stamp
    from tracker_ros.sources.bag.source import IMAGE
    from tracker_ros.sources.bag.truth import TRUTH
    from tracker_ros.sources.bag.typestore import bag_message as make
    from tracker_ros.sources.bag.writer import BagWriter

    def record(*topics, truth=True):
        kinds = dict.fromkeys(topics, IMAGE) | ({"/truth": TRUTH} if truth else {})
        with BagWriter(tmp_path / "bag", kinds) as bag:
            for i in range(12):
                time = (i + 1) * 40_000_000
                header = make("std_msgs/msg/Header", stamp=ns_to_stamp(time, make))
                for topic in topics:
                    bag.write(topic, time, bgr_to_image(scene.frame(i), header, make=make))
                if truth:
                    box = box_to_detection(scene.box(i), header, make=make)
                    bag.write("/truth", time, make(TRUTH, header=header, detections=[box]))
        return str(tmp_path / "bag")

    return record


@pytest.fixture
def parameters(tmp_path):
    """Writes a parameter file."""

    def write(text):
        file = tmp_path / "parameters.yaml"
        file.write_text(text)
        return str(file)

    return write


def test_arguments_tell_their_choices():
    pytest.importorskip("launch_ros", reason=REASON)
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    from launch import LaunchContext

    source = PythonLaunchDescriptionSource(str(FOLDER / "track.launch.py"))
    arguments = source.get_launch_description(LaunchContext()).get_launch_arguments()
    (engine,) = [one for one in arguments if one.name == "engine"]
    assert engine.description == "What runs the network. One of: auto, torch, onnx, tensorrt."


def test_track_starts_the_node_with_its_arguments(run):
    arguments = {"namespace": "left", "image_topic": "/eye", "image_transport": "compressed",
                 "init_bbox": "1,2,30,40", "use_sim_time": "true"}  # fmt: skip
    status, output, *_ = run("track.launch.py", arguments, lambda text: "nobody publishes" in text)
    assert status == 0, output
    assert "[left.tracker_node]: model dastm runs on " in output
    assert "/eye/compressed: no image for" in output
    assert "Traceback" not in output


def test_track_serves_the_page_if_it_is_wanted(run):
    arguments = {"namespace": "left", "image_topic": "/eye", "select": "true", "port": "0"}
    ended = run("track.launch.py", arguments, lambda text: "open http://127.0.0.1:" in text)
    assert ended.status == 0 and "127.0.0.1:8080" not in ended.output
    assert sorted(ended.started) == ["select_node", "tracker_node"]


def test_follow_starts_both_nodes_with_their_arguments(run):
    arguments = {"namespace": "left", "depth_topic": "/eye/depth", "model": "dastm_nano",
                 "depth_scale": "0.01", "tf": "true"}  # fmt: skip

    def enough(text):
        return "model dastm_nano runs on " in text and "/eye/depth: no usable message" in text

    status, output, *_ = run("follow.launch.py", arguments, enough)
    assert status == 0, output
    assert "[left.tracker_node]: model dastm_nano runs on " in output
    assert "[left.follow_node]: /left/tracker_node/detections: no usable message" in output
    assert "Traceback" not in output


def test_a_detectors_topic_is_the_trackers_alone(run, ros, parameters):
    import rclpy

    node, listening = rclpy.create_node("looks", context=ros), {}

    def enough(text):
        for topic in ("/eye/boxes", "/tracker_node/detections"):
            infos = node.get_subscriptions_info_by_topic(topic)
            listening[topic] = [info.node_name for info in infos]
        return all(listening.values()) or text.count("no image for") > 5  # nobody ever will

    file = parameters("/**/tracker_node: {ros__parameters: {auto_init: true, model: dastm_nano}}")
    run("follow.launch.py", {"params_file": file, "detections_topic": "/eye/boxes"}, enough)
    node.destroy_node()
    assert listening == {
        "/eye/boxes": ["tracker_node"], "/tracker_node/detections": ["follow_node"]
    }  # fmt: skip


def test_arguments_come_before_every_pattern_of_the_parameter_file(run, parameters):
    # Of two patterns that fit, ROS 2 takes the later one, whichever file it is in.
    file = parameters("""
        /**: {ros__parameters: {use_sim_time: false}}
        /**/tracker_node: {ros__parameters: {model: absent}}
    """)
    arguments = {"namespace": "left", "params_file": file, "model": "dastm_nano"}
    status, output, *_ = run("track.launch.py", arguments, lambda text: "model " in text)
    assert status == 0, output
    assert "model dastm_nano runs on " in output


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_replay_plays_tracks_evaluates_and_ends(run, record, model, tmp_path, transport):
    arguments = {"bag": record("/eye"), "model": str(model), "evaluate": str(tmp_path / "out"),
                 "image_transport": transport}  # fmt: skip
    status, output, *_ = run("replay.launch.py", arguments)
    assert status == 0, output
    assert f"model {model} runs on " in output
    assert "played 12 frames" in output
    assert "Traceback" not in output
    assert (tmp_path / "out" / "tiny" / "bag-eye.npz").exists()


def test_replay_takes_from_the_parameter_file_what_no_argument_says(
    run, record, parameters, model, tmp_path
):
    file = parameters(f"""
        /**/tracker_node: {{ros__parameters:
            {{model: {model}, image_transport: compressed, autostart: false}}}}
        /**/player_node: {{ros__parameters: {{topic: /eye, source: elsewhere, wait: 0.1}}}}
    """)
    out = tmp_path / "out"
    arguments = {"bag": record("/eye", "/other"), "params_file": file, "evaluate": str(out)}
    status, output, *_ = run("replay.launch.py", arguments)
    assert status == 0, output
    assert f"model {model} runs on " in output
    assert "on /image/compressed" in output
    assert {path.stem for path in (out / "tiny").glob("*.npz")} == {"bag-eye"}


@pytest.mark.parametrize("topics, truth, words", [
    ((), False, "does not exist"),
    (("/eye",), False, "has no truth to start on"),
    (("/eye", "/other"), True, "/eye, /other"),
])  # fmt: skip
def test_replay_fails_with_its_player_and_does_not_evaluate(
    run, record, tmp_path, topics, truth, words
):
    bag = record(*topics, truth=truth) if topics else str(tmp_path / "bag")
    arguments = {"bag": bag, "model": "dastm_nano", "evaluate": str(tmp_path / "out")}
    ended = run("replay.launch.py", arguments)
    assert words in ended.output
    assert ended.status == 1
    assert "player_node ended with status 1; see above" in ended.told
    assert sorted(ended.started) == ["player_node", "tracker_node"]


@pytest.mark.parametrize("name, number, words", [
    ("tracker_node", signal.SIGKILL, "tracker_node was ended by signal 9; see above"),
    ("player_node", signal.SIGKILL, "player_node was ended by signal 9; see above"),
    ("tracker_node", signal.SIGTERM, "tracker_node ended, but is needed until the launch ends"),
])  # fmt: skip
def test_replay_fails_where_a_node_is_killed(
    run, record, parameters, tmp_path, name, number, words
):
    endless = parameters("/**/player_node: {ros__parameters: {loop: true}}")
    arguments = {"bag": record("/eye"), "model": "dastm_nano", "params_file": endless,
                 "evaluate": str(tmp_path / "out")}  # fmt: skip
    ended = run("replay.launch.py", arguments, kill=(name, number, "playing 12 frames"))
    assert ended.status == 1
    assert words in ended.told
    assert sorted(ended.started) == ["player_node", "tracker_node"]


def test_replay_does_not_wait_for_a_tracker_that_cannot_start(run, record):
    ended = run("replay.launch.py", {"bag": record("/eye"), "engine": "tensorrt"})
    assert ended.status == 1
    assert "tracker_node is required, but cannot start" in ended.output
    assert "tracker_node ended with status 1; see above" in ended.told
    assert "nobody subscribes" not in ended.output


@pytest.mark.parametrize("name, node, wrong", [
    ("track.launch.py", "tracker_node", "max_targets: 99"),
    ("follow.launch.py", "tracker_node", "max_targets: 99"),
    ("follow.launch.py", "follow_node", "slop: 99.0"),
    ("replay.launch.py", "tracker_node", "max_targets: 99"),
])  # fmt: skip
def test_a_node_that_dies_ends_the_launch_with_status_1(run, record, parameters, name, node, wrong):
    file = parameters(f"/**/{node}: {{ros__parameters: {{{wrong}}}}}")
    bag = {"bag": record("/eye")} if name == "replay.launch.py" else {}
    ended = run(name, {"params_file": file, "required": "true"} | bag)
    assert "is 99" in ended.output
    assert ended.status == 1
    assert f"{node} ended with status 1; see above" in ended.told
    assert "nobody subscribes" not in ended.output  # what a player says that was left to wait


FILES = ("track.launch.py", "follow.launch.py", "replay.launch.py")


@pytest.mark.parametrize("name, arguments, words", [
    *((name, {"max_targets": "three"}, "argument max_targets is 'three', but must be an integer")
      for name in FILES),
    *((name, {"use_sim_time": "maybe"}, "argument use_sim_time is 'maybe', but must be true or")
      for name in FILES),
    *((name, {"params_file": "/absent.yaml"}, "params_file: /absent.yaml does not exist")
      for name in FILES),
    ("track.launch.py", {"params_file": "/"}, "argument params_file: / is not a file"),
    ("track.launch.py", {"rviz": "2"}, "argument rviz is '2', but must be true or false"),
    ("track.launch.py", {"init_bbox": "1,2"}, "argument init_bbox is '1,2', but must be x,y,w,h"),
    ("follow.launch.py", {"depth_scale": "abc"}, "argument depth_scale is 'abc', but must be a"),
    ("follow.launch.py", {"slop": "x"}, "argument slop is 'x', but must be a double from 0 to 10"),
    ("follow.launch.py", {"tf": "maybe"}, "argument tf is 'maybe', but must be true or false"),
    ("replay.launch.py", {"box": "1,2,3"}, "argument box is '1,2,3', but must be x,y,w,h"),
    ("replay.launch.py", {"autostart": "off"}, "argument autostart is false, but a bag is played"),
    ("replay.launch.py", {"required": "false"}, "argument required is false, but a replay needs"),
    ("replay.launch.py", {"init_bbox": "1,2,3,4"}, "argument init_bbox has no effect in a replay"),
    ("replay.launch.py", {"model": "absent"}, "model 'absent' is neither"),
])  # fmt: skip
def test_what_cannot_be_is_one_sentence_and_nothing_starts(run, name, arguments, words):
    ended = run(name, {"bag": "walk.mcap"} | arguments if name == "replay.launch.py" else arguments)
    assert ended.status == 1
    (line,) = ended.told.splitlines()
    assert words in line
    assert ended.started == []


@pytest.mark.parametrize("source, points, told", [
    ("image", "/cloud", ["points_topic has no effect: depth_source is image"]),
    ("points", "/cloud", ["depth_topic has no effect: depth_source is points"]),
    ("points", "points", ["depth_topic has no effect: depth_source is points"]),
])  # fmt: skip
def test_arguments_without_effect_are_told(run, parameters, caplog, source, points, told):
    from tracker_ros.nodes.launching import arguments as module

    module._warn.cache_clear()
    file = parameters("/**/tracker_node: {ros__parameters: {auto_init: false, model: dastm_nano}}")
    given = {"params_file": file, "depth_source": source, "points_topic": points,
             "port": "8085", "detections_topic": "/boxes"}  # fmt: skip
    given |= {"depth_topic": "/depth"} if source == "points" else {}
    assert run("follow.launch.py", given, lambda text: "model dastm_nano" in text).status == 0
    found = [record.getMessage() for record in caplog.records if "no effect: " in record.msg]
    none = "the parameter file sets none of auto_init, auto_init_new, auto_correct"
    told = [*told, "port has no effect: select is false", f"detections_topic has no effect: {none}"]
    assert sorted(found) == sorted(f"argument {words}" for words in told)


@pytest.mark.parametrize("name", FILES)
def test_rviz_that_is_not_installed_is_one_sentence_and_nothing_starts(run, name):
    from ament_index_python.packages import get_packages_with_prefixes

    if "rviz2" in get_packages_with_prefixes():
        pytest.skip("rviz2 is installed here")
    arguments = {"rviz": "on"} | ({"bag": "walk.mcap"} if name == "replay.launch.py" else {})
    ended = run(name, arguments)
    assert ended.status == 1
    assert ended.started == []

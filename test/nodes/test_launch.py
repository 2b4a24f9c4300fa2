"""The launch files, where ROS 2's launch is installed."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "launch"


@pytest.fixture
def run(ros):
    """Run a launch file until it ends or `enough(output)`; returns its status and output."""
    reason = "launch_ros comes with a ROS 2 installation, not from PyPI"
    launch = pytest.importorskip("launch", reason=reason)
    pytest.importorskip("launch_ros", reason=reason)
    from launch.actions import EmitEvent, IncludeLaunchDescription, RegisterEventHandler
    from launch.event_handlers import OnProcessIO
    from launch.events import Shutdown
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    def run(name, arguments, enough=lambda output: False):
        output = ""

        def read(event):
            nonlocal output
            output += event.text.decode()
            return EmitEvent(event=Shutdown()) if enough(output) else None

        source = PythonLaunchDescriptionSource(str(FOLDER / name))
        service = launch.LaunchService(noninteractive=True)
        service.include_launch_description(launch.LaunchDescription([
            RegisterEventHandler(OnProcessIO(on_stdout=read, on_stderr=read)),
            IncludeLaunchDescription(source, launch_arguments=arguments.items()),
        ]))  # fmt: skip
        return service.run(), output

    return run


def test_track_starts_the_node_with_its_arguments(run):
    arguments = {"namespace": "left", "image_topic": "/eye", "image_transport": "compressed",
                 "init_bbox": "1,2,30,40", "use_sim_time": "true"}  # fmt: skip
    status, output = run("track.launch.py", arguments, lambda text: "nobody publishes" in text)
    assert status == 0, output
    assert "[left.tracker_node]: model dastm runs on " in output
    assert "/eye/compressed: no image for" in output
    assert "Traceback" not in output


def test_follow_starts_both_nodes_with_their_arguments(run):
    arguments = {"namespace": "left", "depth_topic": "/eye/depth", "model": "dastm_nano",
                 "depth_scale": "0.01", "tf": "true"}  # fmt: skip

    def enough(text):
        return "model dastm_nano runs on " in text and "/eye/depth: no usable message" in text

    status, output = run("follow.launch.py", arguments, enough)
    assert status == 0, output
    assert "[left.tracker_node]: model dastm_nano runs on " in output
    assert "[left.follow_node]: /left/tracker_node/detections: no usable message" in output
    assert "Traceback" not in output


def test_replay_plays_tracks_evaluates_and_ends(run, scene, model, tmp_path):
    from tracker_ros.conversions import bgr_to_image, box_to_detection, ns_to_stamp
    from tracker_ros.sources.bag.source import IMAGE, TRUTH
    from tracker_ros.sources.bag.typestore import bag_message as make
    from tracker_ros.sources.bag.writer import BagWriter

    with BagWriter(tmp_path / "bag", {"/eye": IMAGE, "/truth": TRUTH}) as bag:
        for i in range(12):
            time = (i + 1) * 40_000_000
            header = make("std_msgs/msg/Header", stamp=ns_to_stamp(time, make))
            bag.write("/eye", time, bgr_to_image(scene.frame(i), header, make=make))
            box = box_to_detection(scene.box(i), header, make=make)
            bag.write("/truth", time, make(TRUTH, header=header, detections=[box]))
    status, output = run(
        "replay.launch.py",
        {"bag": str(tmp_path / "bag"), "model": str(model), "evaluate": str(tmp_path / "out")},
    )
    assert status == 0, output
    assert f"model {model} runs on " in output
    assert "played 12 frames" in output
    assert "Traceback" not in output
    assert (tmp_path / "out" / "tiny" / "bag-eye.npz").exists()


@pytest.mark.parametrize("name", ["track.launch.py", "follow.launch.py", "replay.launch.py"])
def test_rviz_that_is_not_installed_is_one_sentence_and_nothing_starts(run, name):
    from ament_index_python.packages import get_packages_with_prefixes

    if "rviz2" in get_packages_with_prefixes():
        pytest.skip("rviz2 is installed here")
    arguments = {"rviz": "true"} | ({"bag": "walk.mcap"} if name == "replay.launch.py" else {})
    status, output = run(name, arguments)
    assert status == 1
    assert output == ""  # of processes

"""The launch file, where ROS 2's launch is installed."""

from pathlib import Path

import pytest

LAUNCH_FILE = Path(__file__).parents[2] / "launch" / "track.launch.py"


def test_launch_file_starts_the_node_with_its_arguments(ros):
    reason = "launch_ros comes with a ROS 2 installation, not from PyPI"
    launch = pytest.importorskip("launch", reason=reason)
    pytest.importorskip("launch_ros", reason=reason)
    from launch.actions import EmitEvent, IncludeLaunchDescription, RegisterEventHandler
    from launch.event_handlers import OnProcessIO
    from launch.events import Shutdown
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    output = ""

    def read(event):
        nonlocal output
        output += event.text.decode()
        return EmitEvent(event=Shutdown()) if "nobody publishes" in output else None

    arguments = {"namespace": "left", "image_topic": "/eye", "image_transport": "compressed",
                 "init_bbox": "1,2,30,40", "use_sim_time": "true"}  # fmt: skip
    source = PythonLaunchDescriptionSource(str(LAUNCH_FILE))
    service = launch.LaunchService(noninteractive=True)
    service.include_launch_description(launch.LaunchDescription([
        RegisterEventHandler(OnProcessIO(on_stdout=read, on_stderr=read)),
        IncludeLaunchDescription(source, launch_arguments=arguments.items()),
    ]))  # fmt: skip
    assert service.run() == 0, output
    assert "[left.tracker_node]: model dastm runs on " in output
    assert "/eye/compressed: no image for" in output
    assert "Traceback" not in output

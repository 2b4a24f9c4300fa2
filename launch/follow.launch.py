"""Tracks and follows in space; ``ros2 launch tracker_ros follow.launch.py --show-args``."""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription
from tracker_ros.nodes.parameters import FOLLOW

# Empty where it stands for the value in the parameter file.
FROM_TABLE = ("target_id", "depth_source", "depth_scale", "slop", "tf")
# Besides those of track.launch.py, which both nodes take.
ARGUMENTS = {
    "depth_topic": ("depth/image", "Depth, registered to the colour images."),
    "camera_info_topic": ("depth/camera_info", "Of the depth images."),
    "points_topic": ("points", "An organised cloud, where depth_source is points."),
    **{p.name: ("", p.description) for p in FOLLOW if p.name in FROM_TABLE},
}


def generate_launch_description() -> LaunchDescription:
    track = PythonLaunchDescriptionSource(str(Path(__file__).with_name("track.launch.py")))
    declared = (
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    )
    return LaunchDescription(
        [IncludeLaunchDescription(track), *declared, OpaqueFunction(function=_follower)]
    )


def _follower(context) -> list[Node]:
    types = {p.name: type(p.default) for p in FOLLOW} | {"use_sim_time": bool}
    given = {
        name: ParameterValue(LaunchConfiguration(name), value_type=types[name])
        for name in (*FROM_TABLE, "autostart", "use_sim_time")
        if LaunchConfiguration(name).perform(context)
    }
    follower = Node(
        package="tracker_ros",
        executable="follow_node",
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file"), given],
        remappings=[
            ("detections", "tracker_node/detections"),
            ("depth/image", LaunchConfiguration("depth_topic")),
            ("depth/camera_info", LaunchConfiguration("camera_info_topic")),
            ("points", LaunchConfiguration("points_topic")),
        ],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        output="screen",
        emulate_tty=True,
    )
    return [follower]

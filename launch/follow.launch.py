"""Tracks and follows in space; ``ros2 launch tracker_ros follow.launch.py --show-args``."""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription
from tracker_ros.core.io.paths import share_dir
from tracker_ros.nodes.parameters import FOLLOW
from tracker_ros.nodes.process import dds

CONFIG = share_dir() / "config"
# Empty where it stands for the value in the parameter file.
FROM_TABLE = ("target_id", "depth_source", "depth_scale", "slop", "tf")
# What track.launch.py takes; empty: its own default.
TRACKER = (
    "image_transport",
    "model",
    "device",
    "engine",
    "precision",
    "init_bbox",
    "max_targets",
    "rviz",
)
ARGUMENTS = {
    "namespace": ("", "Of both nodes; one for each camera."),
    "params_file": (str(CONFIG / "tracker.yaml"), "Parameters; the arguments here come first."),
    "image_topic": ("image", "The camera's colour topic, without /compressed."),
    "depth_topic": ("depth/image", "Depth, registered to the colour images."),
    "camera_info_topic": ("depth/camera_info", "Of the depth images."),
    "points_topic": ("points", "An organised cloud, where depth_source is points."),
    "use_sim_time": ("false", "Take the time from /clock."),
    "autostart": ("true", "Configure and activate both at start."),
    "log_level": ("info", "debug, info, warn, error or fatal."),
    **{name: ("", "See track.launch.py.") for name in TRACKER},
    **{p.name: ("", p.description) for p in FOLLOW if p.name in FROM_TABLE},
}


def generate_launch_description() -> LaunchDescription:
    declared = (
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    )
    return LaunchDescription([*declared, OpaqueFunction(function=_nodes)])


def _nodes(context) -> list:
    values = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    dds.use_profile(context.environment)
    common = ("namespace", "params_file", "image_topic", "use_sim_time", "autostart", "log_level")
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name("track.launch.py"))),
        launch_arguments=[
            (name, values[name]) for name in (*common, *TRACKER) if values[name] or name in common
        ],
    )
    types = {p.name: type(p.default) for p in FOLLOW} | {"use_sim_time": bool}
    given = {
        name: ParameterValue(LaunchConfiguration(name), value_type=types[name])
        for name in (*FROM_TABLE, "autostart", "use_sim_time")
        if values[name]
    }
    follower = Node(
        package="tracker_ros",
        executable="follow_node",
        namespace=values["namespace"],
        parameters=[values["params_file"], given],
        remappings=[
            ("detections", "tracker_node/detections"),
            ("depth/image", values["depth_topic"]),
            ("depth/camera_info", values["camera_info_topic"]),
            ("points", values["points_topic"]),
        ],
        ros_arguments=["--log-level", values["log_level"]],
        output="screen",
        emulate_tty=True,
    )
    return [tracker, follower]

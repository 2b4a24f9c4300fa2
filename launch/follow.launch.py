"""Tracks and follows in space; ``ros2 launch tracker_ros follow.launch.py --show-args``."""

from pathlib import Path

from launch.actions import IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import Node

from launch import LaunchDescription
from tracker_ros.nodes.launching import arguments, ends, parameter_file
from tracker_ros.nodes.parameters import FOLLOW

# Besides those of track.launch.py, which both nodes take.
OWN = (
    arguments.of_topic(
        "depth_topic", "depth/image", "Depth, registered to the images; without /compressedDepth."
    ),
    arguments.of_topic(
        "camera_info_topic", "depth/camera_info", "The camera_info of the images or of the depth."
    ),
    arguments.of_topic(
        "points_topic", "points", "An organised cloud, where depth_source is points."
    ),
    *arguments.of_node(
        FOLLOW,
        "target_id",
        "depth_source",
        "depth_transport",
        "depth_scale",
        "rectified",
        "slop",
        "tf",
    ),
)
ARGUMENTS = (*arguments.TRACK, *OWN)


def generate_launch_description() -> LaunchDescription:
    declared = arguments.declare(ARGUMENTS)
    return LaunchDescription([*declared, OpaqueFunction(function=_actions)])


def _actions(context) -> list:
    # Nothing may go wrong once a node was started: launch would leave it behind.
    values = arguments.read(context, ARGUMENTS)
    namespace = arguments.full_namespace(context, values)
    patterns = parameter_file.load(values["params_file"])
    file = parameter_file.of_node(patterns, "follow_node", namespace)
    source = values.get("depth_source") or file.get("depth_source", "image")
    unused = ("depth_topic", "camera_info_topic") if source == "points" else ("points_topic",)
    arguments.warn_of_idle(context, OWN, unused, f"depth_source is {source}")
    names = ("use_sim_time", *(p.name for p in FOLLOW))
    follower = Node(
        package="tracker_ros",
        executable="follow_node",
        name="follow_node",  # as in track.launch.py
        namespace=values["namespace"],
        parameters=[values["params_file"], arguments.for_node(values, *names)],
        remappings=[
            ("detections", "tracker_node/detections"),
            ("status", "tracker_node/status"),
            ("depth/image", values["depth_topic"]),
            ("depth/camera_info", values["camera_info_topic"]),
            ("points", values["points_topic"]),
        ],
        ros_arguments=["--log-level", values["log_level"]],
        output="screen",
        emulate_tty=True,
    )
    track = PythonLaunchDescriptionSource(str(Path(__file__).with_name("track.launch.py")))
    actions = [IncludeLaunchDescription(track), follower]
    if values.get("required"):
        actions.insert(1, ends.on_end(follower, "follow_node"))
    return actions

"""Tracks in the images of one camera; ``ros2 launch tracker_ros track.launch.py --show-args``."""

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import ExecutableInPackage

from launch import LaunchDescription
from tracker_ros.core.io.paths import share_dir
from tracker_ros.nodes.parameters import TRACKER
from tracker_ros.nodes.process import dds

CONFIG = share_dir() / "config"
# Empty where it stands for the value in the parameter file.
FROM_TABLE = (
    "model",
    "device",
    "engine",
    "precision",
    "image_transport",
    "init_bbox",
    "max_targets",
    "autostart",
)
ARGUMENTS = {
    "namespace": ("", "The node's namespace; one for each camera."),
    "params_file": (str(CONFIG / "tracker.yaml"), "Parameters; the arguments here come first."),
    "image_topic": ("image", "The camera's topic, without /compressed."),
    "use_sim_time": ("false", "Take the time from /clock."),
    "rviz": ("false", "Show images and boxes in rviz2."),
    "log_level": ("info", "debug, info, warn, error or fatal."),
    **{p.name: ("", p.description) for p in TRACKER if p.name in FROM_TABLE},
}


def generate_launch_description() -> LaunchDescription:
    declared = (
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    )
    return LaunchDescription([*declared, OpaqueFunction(function=_nodes)])


def _nodes(context) -> list[Node]:
    values = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    dds.use_profile(context.environment)
    image, namespace = values["image_topic"], values["namespace"]
    use_sim_time = {"use_sim_time": _typed("use_sim_time", bool)}
    given = {p.name: _typed(p.name, type(p.default)) for p in TRACKER if values.get(p.name)}
    tracker = Node(
        package="tracker_ros",
        executable="tracker_node",
        namespace=namespace,
        parameters=[values["params_file"], use_sim_time, given],
        remappings=[("image", image), ("image/compressed", f"{image}/compressed")],
        ros_arguments=["--log-level", values["log_level"]],
        output="screen",
        emulate_tty=True,
    )
    if values["rviz"].lower() not in ("true", "1"):
        return [tracker]
    _check_rviz(context)
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        namespace=namespace,
        parameters=[use_sim_time],
        remappings=[("image", image)],
        arguments=["-d", str(CONFIG / "tracker.rviz")],
    )
    return [tracker, rviz]


def _check_rviz(context) -> None:
    # Found out later, with the tracker started, it would leave the tracker behind.
    try:
        ExecutableInPackage(executable="rviz2", package="rviz2").perform(context)
    except Exception:
        raise RuntimeError(
            "rviz is true, but rviz2 is not installed here (ros-DISTRO-rviz2); nothing was started"
        ) from None


def _typed(argument: str, value_type: type) -> ParameterValue:
    # Without its type, launch would guess it from the text.
    return ParameterValue(LaunchConfiguration(argument), value_type=value_type)

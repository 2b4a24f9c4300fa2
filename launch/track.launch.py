"""Tracks in the images of one camera; ``ros2 launch tracker_ros track.launch.py --show-args``."""

from launch.actions import OpaqueFunction
from launch_ros.actions import Node
from launch_ros.substitutions import ExecutableInPackage

from launch import LaunchDescription
from tracker_ros.core.io.paths import share_dir
from tracker_ros.nodes.launching import arguments, ends, parameter_file
from tracker_ros.nodes.parameters import TRACKER
from tracker_ros.nodes.parameters.tracker_node import DETECTIONS
from tracker_ros.nodes.process import dds


def generate_launch_description() -> LaunchDescription:
    declared = arguments.declare(arguments.TRACK)
    return LaunchDescription([*declared, OpaqueFunction(function=_actions)])


def _actions(context) -> list:
    values = arguments.read(context, arguments.TRACK)
    patterns = parameter_file.load(values["params_file"])
    if values["rviz"]:
        _check_rviz(context)
    dds.use_profile(context.environment)
    if not values["select"]:
        arguments.warn_of_idle(context, arguments.TRACK, ("host", "port"), "select is false")
    file = parameter_file.of_node(
        patterns, "tracker_node", arguments.full_namespace(context, values)
    )
    if patterns and not any(file.get(name) for name, _ in DETECTIONS):
        names = ", ".join(name for name, _ in DETECTIONS)
        why = f"the parameter file sets none of {names}"
        arguments.warn_of_idle(context, arguments.TRACK, ("detections_topic",), why)
    image, namespace = values["image_topic"], values["namespace"]

    def node(name: str, *names: str) -> Node:
        """One of ours; ``names``: of those of its parameters that are arguments."""
        return Node(
            package="tracker_ros",
            executable=name,
            # With its full name the arguments come after every pattern of the file that fits.
            name=name,
            namespace=namespace,
            parameters=[values["params_file"], arguments.for_node(values, "use_sim_time", *names)],
            remappings=[
                ("image", image),
                ("image/compressed", f"{image}/compressed"),
                ("detections", values["detections_topic"]),
            ],
            ros_arguments=["--log-level", values["log_level"]],
            output="screen",
            emulate_tty=True,
        )

    nodes = {"tracker_node": node("tracker_node", *(p.name for p in TRACKER))}
    if values["select"]:
        nodes["select_node"] = node("select_node", "image_transport", "host", "port")
    actions = list(nodes.values())
    if values.get("required"):
        actions = [*(ends.on_end(one, name) for name, one in nodes.items()), *actions]
    if values["rviz"]:
        rviz = Node(
            package="rviz2",
            executable="rviz2",
            namespace=namespace,
            parameters=[arguments.for_node(values, "use_sim_time")],
            remappings=[("image", image)],
            arguments=["-d", str(share_dir() / "config" / "tracker.rviz")],
        )
        actions.append(rviz)
    return actions


def _check_rviz(context) -> None:
    # Found out later, with the tracker started, it would leave the tracker behind.
    try:
        ExecutableInPackage(executable="rviz2", package="rviz2").perform(context)
    except Exception:
        raise RuntimeError(
            "rviz is true, but rviz2 is not installed here (ros-DISTRO-rviz2); nothing was started"
        ) from None

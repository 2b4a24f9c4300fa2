"""Plays a bag to the tracker; ``ros2 launch tracker_ros replay.launch.py --show-args``."""

from functools import partial
from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import ExecutableInPackage

from launch import LaunchDescription

WAIT = 120.0  # seconds, for the tracker to load its model and for rviz
# Besides those of track.launch.py.
ARGUMENTS = {
    "bag": (None, "The rosbag2 recording to play: a folder, .mcap or .db3."),
    "topic": ("", "Its image topic; needed only where it has several."),
    "box": ("", "Start on this box, x,y,w,h in pixels, in the first image; default: the truth's."),
    "evaluate": ("", "Then replay the bag frame by frame and write the results in this folder."),
}


SHARED = ("model", "device", "engine", "precision")  # with evaluate_bag, where they are given


def generate_launch_description() -> LaunchDescription:
    track = PythonLaunchDescriptionSource(str(Path(__file__).with_name("track.launch.py")))
    declared = (
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    )
    return LaunchDescription(
        [*declared, IncludeLaunchDescription(track), OpaqueFunction(function=_actions)]
    )


def _actions(context) -> list:
    names = (*ARGUMENTS, *SHARED, "namespace", "image_topic", "rviz", "log_level")
    values = {name: LaunchConfiguration(name).perform(context) for name in names}
    rviz = values["rviz"].lower() in ("true", "1")
    text = {name: ParameterValue(values[name], value_type=str) for name in ("bag", "topic", "box")}
    player = Node(
        package="tracker_ros",
        executable="player_node",
        namespace=values["namespace"],
        parameters=[
            {
                "source": text["bag"],
                "topic": text["topic"],
                "init_bbox": text["box"],
                "publish_init": not values["box"],
                "wait": WAIT,
                "subscribers": 2 if rviz else 1,
            }
        ],
        remappings=[("image", values["image_topic"])],
        ros_arguments=["--log-level", values["log_level"]],
        output="screen",
        emulate_tty=True,
    )
    # rviz stays, so that the last image can be looked at.
    after = [] if rviz else [EmitEvent(event=Shutdown(reason="the bag was played"))]
    if values["evaluate"]:
        evaluation = _evaluation(values)
        ended = partial(_ended, after)
        end = RegisterEventHandler(OnProcessExit(target_action=evaluation, on_exit=ended))
        after = [end, evaluation]
    return [player, RegisterEventHandler(OnProcessExit(target_action=player, on_exit=after))]


def _ended(after: list, event, context) -> list:
    """What follows the evaluation. An exception is how a launch ends with status 1."""
    if event.returncode:
        raise RuntimeError(f"evaluate_bag ended with status {event.returncode}; see above")
    return after


def _evaluation(values: dict[str, str]) -> ExecuteProcess:
    options = [("--out", "evaluate"), ("--topic", "topic"), ("--box", "box")]
    options += [(f"--{name}", name) for name in SHARED]
    given = [f"{option}={values[name]}" for option, name in options if values[name]]
    program = ExecutableInPackage(executable="evaluate_bag", package="tracker_ros")
    return ExecuteProcess(cmd=[program, values["bag"], *given], output="screen")

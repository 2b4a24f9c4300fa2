"""Plays a bag to the tracker; ``ros2 launch tracker_ros replay.launch.py --show-args``."""

from pathlib import Path

from launch.actions import (
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    SetLaunchConfiguration,
)
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import Node
from launch_ros.substitutions import ExecutableInPackage

from launch import LaunchDescription
from tracker_ros.core.errors import ParameterError
from tracker_ros.nodes.launching import arguments, ends, parameter_file
from tracker_ros.nodes.launching.arguments import Argument, of_launch
from tracker_ros.nodes.parameters import PLAYER, TRACKER
from tracker_ros.nodes.parameters.parameter import Parameter

WAIT = 120.0  # seconds, for the tracker to load its model and for rviz
# Besides those of track.launch.py.
OWN = (
    Argument(
        Parameter("bag", "", "The rosbag2 recording to play: a folder, .mcap or .db3."),
        required=True,
    ),
    of_launch("topic", "", "Its image topic; needed only where it has several."),
    Argument(
        Parameter(
            "box",
            "",
            "Start on this box, x,y,w,h in pixels, in the first image; default: the truth's.",
            box=True,
        )
    ),
    of_launch(
        "evaluate", "", "Then replay the bag frame by frame and write the results in this folder."
    ),
)
ARGUMENTS = (*OWN, *arguments.TRACK)
TRACKS = ("model", "device", "engine", "precision")  # options of evaluate_bag, too


def generate_launch_description() -> LaunchDescription:
    declared = arguments.declare(ARGUMENTS)
    return LaunchDescription([*declared, OpaqueFunction(function=_actions)])


def _actions(context) -> list:
    from tracker_ros.engines.models.files import find_model  # NumPy: not for --show-args

    # Nothing may go wrong once a node was started: launch would leave it behind.
    given = arguments.read(context, ARGUMENTS)
    if not given.get("autostart", True):
        raise ParameterError(
            "argument autostart is false, but a bag is played to a tracker that starts by itself;"
            " leave it out"
        )
    if not given.get("required", True):
        raise ParameterError(
            "argument required is false, but a replay needs its tracker; leave it out"
        )
    if "init_bbox" in given:
        raise ParameterError("argument init_bbox has no effect in a replay; give the box as box")
    tracker, player = _values(given, arguments.full_namespace(context, given))
    find_model(str(tracker["model"]))  # without one the tracker would wait for another
    node = _player(given, tracker["image_transport"])
    # rviz stays, so that the last image can be looked at.
    after = [] if given["rviz"] else [EmitEvent(event=Shutdown(reason="the bag was played"))]
    if given["evaluate"]:
        evaluation = _evaluation(given, tracker, player)
        after = [ends.on_end(evaluation, "evaluate_bag", after), evaluation]
    track = PythonLaunchDescriptionSource(str(Path(__file__).with_name("track.launch.py")))
    return [
        ends.on_early_end("tracker_node"),
        # Whatever the parameter file says; and the player need not wait for what cannot start.
        SetLaunchConfiguration("autostart", "true"),
        SetLaunchConfiguration("required", "true"),
        IncludeLaunchDescription(track),
        ends.on_end(node, "player_node", after),
        node,
    ]


def _values(given: dict, namespace: str) -> tuple[dict, dict]:
    """What the tracker and the player are going to have: defaults, file, arguments."""
    patterns = parameter_file.load(given["params_file"])

    def values(name: str, table, ours: dict) -> dict:
        file = parameter_file.of_node(patterns, name, namespace)
        return {p.name: p.default for p in table} | file | ours

    player = {"topic": given["topic"], "init_bbox": given["box"]}
    return (
        values("tracker_node", TRACKER, given),
        values("player_node", PLAYER, {name: text for name, text in player.items() if text}),
    )


def _player(given: dict, image_transport: str) -> Node:
    ours = {
        "source": given["bag"],
        "publish_init": not given["box"],
        "tracker": "tracker_node",
        "image_transport": image_transport,
        "wait": WAIT,
        "subscribers": 1 + given["rviz"] + given["select"],
    }
    if given["topic"]:
        ours["topic"] = given["topic"]
    if given["box"]:
        ours |= {"init_bbox": given["box"], "init_frame": 0}
    image = given["image_topic"]
    return Node(
        package="tracker_ros",
        executable="player_node",
        name="player_node",  # as in track.launch.py
        namespace=given["namespace"],
        parameters=[given["params_file"], arguments.for_node(ours)],
        remappings=[("image", image), ("image/compressed", f"{image}/compressed")],
        ros_arguments=["--log-level", given["log_level"]],
        output="screen",
        emulate_tty=True,
    )


def _evaluation(given: dict, tracker: dict, player: dict) -> ExecuteProcess:
    """The same tracker on the same images from the same box."""
    options = {"out": given["evaluate"], "topic": player["topic"]}
    if given["box"] or not player["init_frame"]:
        options["box"] = player["init_bbox"]
    options |= {name: tracker[name] for name in TRACKS}
    said = [f"--{name}={value}" for name, value in options.items() if value]
    said += ["--allow-cpu-fallback"] if tracker["allow_cpu_fallback"] is True else []
    program = ExecutableInPackage(executable="evaluate_bag", package="tracker_ros")
    return ExecuteProcess(cmd=[program, given["bag"], *said], output="screen")

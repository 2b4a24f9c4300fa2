"""The package as pip and colcon install it: files found, commands there, no messages of ours."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tracker_ros.core.io.paths import share_dir

ROOT = Path(__file__).parents[2]
COMMANDS = {"evaluate_bag", "follow_node", "tracker-ros", "tracker_node", "player_node"}
PIP = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
INSTALLERS = {
    "pip": [*PIP, "--no-index", "--ignore-installed", "--prefix", "{prefix}", "."],
    # What colcon runs for an ament_python package.
    "colcon": [
        *(sys.executable, "setup.py", "-q", "install", "--prefix", "{prefix}"),
        *("--single-version-externally-managed", "--record", "{prefix}/files.txt"),
    ],
}


def test_checkout_is_its_own_share_folder():
    assert share_dir() == ROOT


@pytest.fixture(scope="module", params=INSTALLERS)
def installed(request, tmp_path_factory):
    """(installer's name, prefix) of a real installation from a copy of the checkout."""
    source, prefix = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("prefix")
    for name in ("tracker_ros", "launch", "config", "models", "resource"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("package.xml", "pyproject.toml", "setup.cfg", "setup.py"):
        shutil.copy(ROOT / name, source)
    command = [part.format(prefix=prefix) for part in INSTALLERS[request.param]]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return request.param, prefix


def test_share_dir_is_found_in_the_prefix(installed):
    _, prefix = installed
    (package,) = prefix.rglob("tracker_ros/core/io/paths.py")
    share = subprocess.check_output(
        [
            sys.executable,
            "-c",
            "from tracker_ros.core.io.paths import share_dir; print(share_dir())",
        ],
        env={**os.environ, "PYTHONPATH": str(package.parents[3])},
        cwd=prefix,
        text=True,
    )
    assert Path(share.strip()) == prefix / "share" / "tracker_ros"
    for folder in ("launch", "config", "models"):
        assert files(prefix / "share" / "tracker_ros" / folder) == files(ROOT / folder)


def test_the_reports_templates_are_installed(installed):
    _, prefix = installed
    (package,) = prefix.rglob("tracker_ros/evaluation/report")
    assert files(package) == files(ROOT / "tracker_ros" / "evaluation" / "report")


def files(folder):
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_ros_finds_the_package_and_its_commands(installed):
    installer, prefix = installed
    assert (prefix / "share/ament_index/resource_index/packages/tracker_ros").exists()
    scripts = prefix / ("bin" if installer == "pip" else "lib/tracker_ros")
    assert {path.name for path in scripts.iterdir()} == COMMANDS


def test_a_bag_is_evaluated_from_the_prefix(installed, tmp_path):
    """Away from the checkout, whose files an editable installation would find."""
    _, prefix = installed
    (package,) = prefix.rglob("tracker_ros/core/io/paths.py")
    script = """
from tracker_ros import conversions
from tracker_ros.commands.evaluate_bag import main
from tracker_ros.sources.bag.writer import BagWriter
from tracker_ros.sources.bag.typestore import bag_message as make
import numpy as np, tracker_ros
print(tracker_ros.__file__)
image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
kinds = {"/image": "sensor_msgs/msg/Image", "/truth": "vision_msgs/msg/Detection2DArray"}
with BagWriter(__import__("pathlib").Path("bag"), kinds) as bag:
    for i in range(1, 6):
        header = make("std_msgs/msg/Header", stamp=conversions.ns_to_stamp(i * 10**8, make))
        bag.write("/image", i * 10**8, conversions.bgr_to_image(image, header, make))
        boxes = make("vision_msgs/msg/Detection2DArray", header=header)
        boxes.detections.append(conversions.box_to_detection((20, 20, 20, 20), header, make=make))
        bag.write("/truth", i * 10**8, boxes)
raise SystemExit(main(["bag", "--peers-only", "--peer", "mosse", "--out", "out"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(package.parents[3])},
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(prefix))
    assert (tmp_path / "out" / "mosse" / "bag-image.npz").exists()


def test_no_messages_are_installed(installed):
    _, prefix = installed
    assert not list(prefix.rglob("*vision_msgs*")) + list(prefix.rglob("*tf2_msgs*"))
    assert not list(prefix.rglob("*.msg"))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_entry_point_can_be_loaded(command):
    (entry,) = metadata.entry_points(group="console_scripts", name=command)
    assert callable(entry.load())


@pytest.mark.parametrize(
    "command",
    [[Path(sys.executable).with_name("tracker-ros")], [sys.executable, "-m", "tracker_ros"]],
    ids=["script", "module"],
)
def test_command_line_answers(command):
    done = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout and "track" in done.stdout

"""The package as pip and colcon install it: files found, commands there, no messages of ours."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest

from tracker_ros.core.io.paths import share_dir

ROOT = Path(__file__).parents[2]
NODES = {"follow_node", "player_node", "select_node", "tracker_node"}
COMMANDS = {"evaluate_bag", "tracker-ros", *NODES}
PIP = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
COLCON = Path(sys.executable).with_name("colcon")
INSTALLERS = {
    "pip": [*PIP, "--no-index", "--ignore-installed", "--prefix", "install/tracker_ros"],
    "colcon": [COLCON, "build"],
    "colcon --symlink-install": [COLCON, "build", "--symlink-install"],
}
# Of another workspace, whose packages must not be found.
FOREIGN = ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH", "COLCON_PREFIX_PATH", "PYTHONPATH")


class Installed(NamedTuple):
    """Where the package was installed, from a copy of the checkout, and how it is found there."""

    by: str
    prefix: Path
    package: Path  # as Python finds it
    environment: dict[str, str]

    def run(self, *arguments: str, **options) -> str:
        """What Python says to ``arguments``, away from the checkout."""
        command = [sys.executable, *arguments]
        options = {"cwd": self.prefix, "env": self.environment, **options}
        done = subprocess.run(command, capture_output=True, text=True, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout


def test_checkout_is_its_own_share_folder():
    assert share_dir() == ROOT


@pytest.fixture(scope="module", params=INSTALLERS)
def installed(request, tmp_path_factory):
    """A real installation."""
    command = INSTALLERS[request.param]
    if COLCON in command and not COLCON.exists():
        pytest.skip(f"colcon is not installed beside {sys.executable}")
    workspace = tmp_path_factory.mktemp("workspace")
    source, prefix = workspace / "src" / "tracker_ros", workspace / "install" / "tracker_ros"
    # Not what Python keeps, whose files come and go while other tests run.
    without = shutil.ignore_patterns("__pycache__")
    for name in ("tracker_ros", "launch", "config", "models", "resource"):
        shutil.copytree(ROOT / name, source / name, ignore=without)
    for name in ("package.xml", "pyproject.toml", "setup.cfg", "setup.py"):
        shutil.copy(ROOT / name, source)
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    command = [*command, *([source] if COLCON not in command else [])]
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    if COLCON in command:
        environment |= _sourced(workspace / "install" / "setup.sh", environment)
    else:
        (site,) = prefix.glob("lib/python*/site-packages")
        environment["PYTHONPATH"] = str(site)
    found = Installed(request.param, prefix, prefix, environment)
    package = found.run("-c", "import tracker_ros; print(tracker_ros.__path__[0])")
    return found._replace(package=Path(package.strip()))


def _sourced(script: Path, environment: dict[str, str]) -> dict[str, str]:
    """The environment after a shell has sourced ``script``, as a user does."""
    told = subprocess.check_output(
        ["sh", "-c", f". '{script}' && env -0"], cwd=script.parent, env=environment, text=True
    )
    return dict(line.split("=", 1) for line in told.split("\0") if line)


def test_share_dir_is_found_in_the_prefix(installed):
    script = "from tracker_ros.core.io.paths import share_dir; print(share_dir())"
    share = Path(installed.run("-c", script).strip())
    if "symlink" in installed.by:  # the package is the checkout's
        assert share == installed.prefix.parents[1] / "src" / "tracker_ros"
    else:
        assert share == installed.prefix / "share" / "tracker_ros"
    for folder in ("launch", "config", "models"):
        assert files(installed.prefix / "share" / "tracker_ros" / folder) == files(ROOT / folder)
        assert files(share / folder) == files(ROOT / folder)


@pytest.mark.parametrize("folder", ["evaluation/report/templates", "runtime/selection"])
def test_pages_are_installed(installed, folder):
    ours = files(ROOT / "tracker_ros" / folder)
    assert any(name.endswith(".html") for name in ours)
    assert files(installed.package / folder) == ours


def files(folder):
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_ros_finds_the_package_and_its_commands(installed):
    prefix = installed.prefix
    assert (prefix / "share/ament_index/resource_index/packages/tracker_ros").exists()
    scripts = prefix / ("bin" if installed.by == "pip" else "lib/tracker_ros")
    assert {path.name for path in scripts.iterdir()} == COMMANDS
    if installed.by != "pip":
        assert str(prefix) in installed.environment["AMENT_PREFIX_PATH"].split(os.pathsep)
    assert "demo" in installed.run(str(scripts / "tracker-ros"), "--help")


def test_a_bag_is_evaluated_from_the_prefix(installed, tmp_path):
    """Away from the checkout, whose files an editable installation would find."""
    script = """
from tracker_ros.conversions.images import bgr_to_image
from tracker_ros.conversions.boxes import box_to_detection
from tracker_ros.conversions.stamps import ns_to_stamp
from tracker_ros.commands.judging.evaluate_bag import main
from tracker_ros.sources.bag.writer import BagWriter
from tracker_ros.sources.bag.typestore import bag_message as make
import numpy as np, tracker_ros
print(tracker_ros.__file__)
image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
kinds = {"/image": "sensor_msgs/msg/Image", "/truth": "vision_msgs/msg/Detection2DArray"}
with BagWriter(__import__("pathlib").Path("bag"), kinds) as bag:
    for i in range(1, 6):
        header = make("std_msgs/msg/Header", stamp=ns_to_stamp(i * 10**8, make))
        bag.write("/image", i * 10**8, bgr_to_image(image, header, make))
        boxes = make("vision_msgs/msg/Detection2DArray", header=header)
        boxes.detections.append(box_to_detection((20, 20, 20, 20), header, make=make))
        bag.write("/truth", i * 10**8, boxes)
raise SystemExit(main(["bag", "--peers-only", "--peer", "mosse", "--out", "out"]))
"""
    told = installed.run("-c", script, cwd=tmp_path)
    assert told.startswith(str(installed.package))
    assert (tmp_path / "out" / "mosse" / "bag-image.npz").exists()


def test_no_messages_are_installed(installed):
    prefix = installed.prefix
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

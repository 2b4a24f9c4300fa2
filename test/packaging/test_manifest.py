"""What the code imports is named where ROS 2 machines, pip and ``make setup`` look, and no more."""

import ast
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import tracker_ros
from tracker_ros.core.errors import DISTRIBUTIONS, ROS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tracker_ros"
PACKAGE_XML = ElementTree.parse(ROOT / "package.xml")
# The robot's half of the package; the rest is the workshop's.
ROBOT = ("core", "networks", "engines", "conversions", "sources", "runtime", "nodes")

ROSDEP_KEYS = {
    "cv2": "python3-opencv",
    "hypothesis": "python3-hypothesis",
    "jinja2": "python3-jinja2",
    "lz4": "python3-lz4",
    "matplotlib": "python3-matplotlib",
    "mcap": "mcap-ros2-support",
    "numpy": "python3-numpy",
    "onnxruntime": "python3-onnxruntime-pip",
    "pytest": "python3-pytest",
    "rich": "python3-rich",
    "rosbags": "python3-rosbags-pip",
    "ruamel": "python3-ruamel.yaml",
    "scipy": "python3-scipy",
    "skimage": "python3-skimage",
    "yaml": "python3-yaml",
    "zstandard": "python3-zstandard",
}
REQUIREMENTS = {**DISTRIBUTIONS, "yaml": "PyYAML"}
# For training, export and the torch engine only; ROS 2 machines run the ONNX engine.
TORCH = {"torch", "safetensors", "onnx", "onnxscript"}
# Toolkits that a test or an option uses where somebody has installed them.
IF_INSTALLED = {"foxglove", "yolo_msgs", "got10k", "tensorboard"}
# Where it is missing, who loads NumPy first is slower; nodes don't. rosdep has no key for it.
PIP_ONLY = {"threadpoolctl"}
PLUGINS = {"python3-pytest-timeout"}  # no test imports it


def imports(*folders: Path) -> set[str]:
    """Modules that are imported, ROS packages whose messages are made or whose nodes launched."""
    modules = set()
    for folder in folders:
        for file in [folder] if folder.suffix else folder.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(), file)):
                modules |= set(_named(node))
    own = {path.stem for path in (ROOT / "test").rglob("*.py")} | {"test", "tracker_ros"}
    return modules - own - IF_INSTALLED - set(sys.stdlib_module_names)


def _named(node: ast.AST):
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        yield node.module.split(".")[0]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from re.findall(r"^(\w+)/(?:msg|srv|action)/\w+$", node.value)
    elif isinstance(node, ast.keyword) and node.arg == "package":
        yield from [node.value.value] if isinstance(node.value, ast.Constant) else []


def robot() -> set[str]:
    return imports(*(PACKAGE / name for name in ROBOT), ROOT / "launch")


def workshop() -> set[str]:
    rooms = {path for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    return imports(*(path for path in rooms if path.name not in ROBOT)) - robot()


def of_tests() -> set[str]:
    return imports(ROOT / "test", ROOT / "examples")


def keys(modules: set[str]) -> set[str]:
    return {ROSDEP_KEYS.get(module, module) for module in modules - TORCH - PIP_ONLY - {"trax"}}


def named(tag: str) -> set[str]:
    return {element.text for element in PACKAGE_XML.iter(tag)}


def test_what_a_robot_installs_is_what_its_half_imports():
    assert named("exec_depend") == keys(robot())


def test_what_tests_install_besides_is_what_they_and_the_workshop_import():
    assert named("test_depend") == keys((of_tests() | workshop()) - robot()) | PLUGINS


def test_extras_are_what_the_halves_import():
    extras = _extras()
    alone = {module for module in robot() - TORCH if not _is_ros(module)} | PIP_ONLY
    needed = workshop() - TORCH - PIP_ONLY - {"trax"}
    assert extras == {
        "standalone": {REQUIREMENTS.get(module, module) for module in alone},
        "workshop": {REQUIREMENTS.get(module, module) for module in needed},
        "torch": TORCH,
        "trax": {"vot-trax"},
    }


@pytest.mark.parametrize("extra", ("standalone", "workshop", "torch", "trax"))
def test_make_setup_installs_every_extra(extra):
    assert _extras()[extra] <= _requirements()


def _extras() -> dict[str, set[str]]:
    """Names of what each extra of setup.py installs."""
    tree = ast.walk(ast.parse((ROOT / "setup.py").read_text()))
    keywords = (keyword for node in tree if isinstance(node, ast.Call) for keyword in node.keywords)
    (extras,) = (keyword.value for keyword in keywords if keyword.arg == "extras_require")
    return {
        name: {re.match(r"[\w.-]*\w", requirement)[0] for requirement in wanted}
        for name, wanted in ast.literal_eval(extras).items()
    }


def test_requirements_name_every_import():
    modules = imports(PACKAGE, ROOT / "launch") | of_tests()
    assert {REQUIREMENTS.get(m, m) for m in modules if not _is_ros(m)} <= _requirements()


def _requirements() -> set[str]:
    text = "\n".join(path.read_text() for path in (ROOT / "requirements").glob("*.txt"))
    return set(re.findall(r"^[A-Za-z][\w.-]*", text, re.MULTILINE)) | {"torch"}


def _is_ros(module: str) -> bool:
    return module == "rviz2" or bool(ROS.match(module))


def test_no_folder_holds_more_than_a_dozen_files():
    for folder in {path.parent for path in PACKAGE.rglob("*.py")}:
        assert len({path.name for path in folder.glob("*.py")} - {"__init__.py"}) <= 12, folder


def test_one_version_everywhere():
    version = PACKAGE_XML.findtext("version")
    assert tracker_ros.__version__ == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()

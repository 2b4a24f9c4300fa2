"""What the code imports must be named where ROS 2 machines and `make setup` look for it."""

import ast
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import tracker_ros

ROOT = Path(__file__).parents[2]
PACKAGE_XML = ElementTree.parse(ROOT / "package.xml")

ROSDEP_KEYS = {
    "cv2": "python3-opencv",
    "hypothesis": "python3-hypothesis",
    "jinja2": "python3-jinja2",
    "matplotlib": "python3-matplotlib",
    "mcap": "mcap-ros2-support",
    "numpy": "python3-numpy",
    "onnxruntime": "python3-onnxruntime-pip",
    "pytest": "python3-pytest",
    "rich": "python3-rich",
    "rosbags": "python3-rosbags-pip",
    "scipy": "python3-scipy",
    "skimage": "python3-skimage",
    "yaml": "python3-yaml",
}
REQUIREMENTS = {
    "cv2": "opencv-contrib-python-headless",
    "skimage": "scikit-image",
    "trax": "vot-trax",
    "yaml": "PyYAML",
}
# For training, export and the torch engine only; ROS 2 machines run the ONNX engine. And the extra
# of `tracker-ros trax`.
OPTIONAL_WITH_ROS = {"torch", "safetensors", "onnx", "onnxscript", "trax"}
# Toolkits that a test or an option uses where somebody has installed them.
IF_INSTALLED = {"got10k", "tensorboard"}
# ROS packages that need an installation: the code does without where they are missing.
ONLY_WITH_ROS = {"launch", "launch_ros", "cv_bridge", "diagnostic_updater", "ament_index_python",
                 "sensor_msgs_py"}  # fmt: skip


def third_party_imports():
    modules = set()
    for folder in ("tracker_ros", "launch", "test"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(), file)):
                if isinstance(node, ast.Import):
                    modules |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    modules.add(node.module.split(".")[0])
    own = {path.stem for path in (ROOT / "test").rglob("*.py")} | {"test", "tracker_ros"}
    return modules - own - IF_INSTALLED - set(sys.stdlib_module_names)


def test_package_xml_names_every_import():
    named = {e.text for tag in ("exec_depend", "test_depend") for e in PACKAGE_XML.iter(tag)}
    needed = {ROSDEP_KEYS.get(m, m) for m in third_party_imports() - OPTIONAL_WITH_ROS}
    assert needed <= named


def test_requirements_name_every_import():
    text = "\n".join(path.read_text() for path in (ROOT / "requirements").glob("*.txt"))
    named = set(re.findall(r"^[A-Za-z][\w-]*", text, re.MULTILINE)) | {"torch"}
    modules = {m for m in third_party_imports() if not is_ros(m)}
    assert {REQUIREMENTS.get(m, m) for m in modules} <= named


def is_ros(module):
    return module in ONLY_WITH_ROS or re.search(r"_(msgs|srvs|interfaces)$|^rclpy$", module)


def test_one_version_everywhere():
    version = PACKAGE_XML.findtext("version")
    assert tracker_ros.__version__ == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()

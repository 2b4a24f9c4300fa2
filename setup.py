import xml.etree.ElementTree as ElementTree
from glob import glob

from setuptools import find_packages, setup

NAME = "tracker_ros"
MANIFEST = ElementTree.parse("package.xml")

setup(
    name=NAME,
    version=MANIFEST.findtext("version"),
    description="Visual single-object tracking for ROS 2 with spatio-temporal memory networks",
    license="Apache-2.0",
    maintainer="tracker_ros maintainers",
    maintainer_email="maintainers@tracker-ros.invalid",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={
        NAME: ["py.typed"],
        f"{NAME}.evaluation.report": ["templates/*"],
        f"{NAME}.runtime.selection": ["page.html"],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *((f"share/{NAME}/{d}", glob(f"{d}/*.*")) for d in ("launch", "config", "models")),
    ],
    install_requires=["setuptools"],
    extras_require={
        # What rosdep brings where there is ROS 2: for the library and the commands without it.
        "standalone": [
            "lz4>=3.1",
            "numpy>=1.21",
            "onnxruntime~=1.23",
            "opencv-contrib-python-headless>=4.5.4",
            "rosbags~=0.11",
            "ruamel.yaml>=0.17",
            "scipy>=1.8",
            "threadpoolctl>=3.1",
            "zstandard>=0.18",
        ],
        # For the commands of ``tracker-ros``; the nodes need none of these.
        "workshop": ["jinja2~=3.0", "matplotlib>=3.5", "rich>=11", "scikit-image>=0.18"],
        "torch": ["torch>=2.4", "safetensors>=0.5", "onnx~=1.20", "onnxscript>=0.5"],
        "trax": ["vot-trax~=4.0"],
    },
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "tracker-ros = tracker_ros.__main__:main",
            "tracker_node = tracker_ros.nodes.entry:tracker_node",
            "follow_node = tracker_ros.nodes.entry:follow_node",
            "player_node = tracker_ros.nodes.entry:player_node",
            "select_node = tracker_ros.nodes.entry:select_node",
            "evaluate_bag = tracker_ros.commands.judging.evaluate_bag:main",
        ],
    },
)

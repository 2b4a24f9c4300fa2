from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

NAME = "tracker_ros"

setup(
    name=NAME,
    version="0.1.0",
    description="Visual single-object tracking for ROS 2 with spatio-temporal memory networks",
    long_description=Path("README.md").read_text() if Path("README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    maintainer="tracker_ros maintainers",
    maintainer_email="maintainers@tracker-ros.invalid",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *((f"share/{NAME}/{d}", glob(f"{d}/*")) for d in ("launch", "config", "models")),
    ],
    install_requires=["setuptools"],
    zip_safe=False,
    entry_points={
        "console_scripts": [
            "tracker-ros = tracker_ros.cli:main",
            "tracker_node = tracker_ros.nodes.tracker_node:main",
            "player_node = tracker_ros.nodes.player_node:main",
        ],
    },
)

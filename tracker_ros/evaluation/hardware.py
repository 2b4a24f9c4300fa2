"""The hardware that measured numbers depend on."""

import platform
from importlib import metadata
from pathlib import Path

from ..engines.runners.cores import cores

PACKAGES = ("numpy", "opencv-contrib-python-headless", "onnxruntime", "onnxruntime-gpu", "torch")


def describe() -> dict:
    """This machine: {"cpu", "cores", "system", "python", "versions": {package: version}}."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line)
    return next(names, platform.machine())

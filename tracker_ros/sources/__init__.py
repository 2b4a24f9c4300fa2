"""Frames from a video file, an image folder, a rosbag2 recording or a camera, without ROS."""

import re
from pathlib import Path

from ..core.errors import SourceError, brief
from .bag.storage import is_storage, refuse_ros1
from .base import Frame, Source
from .folder import IMAGE_SUFFIXES

__all__ = ["Frame", "Source", "is_bag", "open_source"]

URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
CAMERA = re.compile(r"(?:camera:)?(\d{1,9})")


def open_source(
    spec: str | Path, *, topic: str | None = None, rate: float | None = None, loop: bool = False
) -> Source:
    """Open ``spec``: a path, or a camera as "0" or "camera:0".

    topic: the image topic of a bag; needed only where the bag has several.
    rate: frames per second of the stamps, instead of the source's own.
    loop: start again after the last frame; stamps go on rising.
    Raises SourceError when it is missing, of no known kind, or cannot be opened.
    """
    if not str(spec):
        raise SourceError("the source has an empty name")
    if URL.match(str(spec)):
        raise SourceError(f"{spec} is a URL; what can be read are files, folders, bags and cameras")
    path = Path(spec)
    camera = CAMERA.fullmatch(str(spec))
    kind = "camera" if camera and not path.exists() else _kind(path)
    if topic is not None and kind != "bag":
        raise SourceError(f"{spec} is not a bag, so it has no topic {topic!r}")
    if kind == "camera":
        from .video import CameraSource

        return CameraSource(int(camera[1]), rate, loop)
    if kind == "bag":
        from .bag.source import BagSource

        return BagSource(path, topic, rate, loop)
    if kind == "folder":
        from .folder import FolderSource

        return FolderSource(path, rate, loop)
    from .video import VideoSource

    return VideoSource(path, rate, loop)


def is_bag(spec: str | Path) -> bool:
    """Whether ``spec`` names a rosbag2 recording, by its suffix or by what is in the folder."""
    path = Path(spec)
    return is_storage(path.name) or (path.is_dir() and _kind(path) == "bag")


def _kind(path: Path) -> str:
    try:
        if path.is_dir():
            return _kind_of_folder(path, {entry.name for entry in path.iterdir()})
        if not path.exists():
            raise SourceError(f"{path} does not exist")
        if not path.is_file():
            raise SourceError(f"{path} is neither a file nor a folder")
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty")
    except (OSError, ValueError) as error:
        raise SourceError(f"{str(path)!r} cannot be read: {brief(error)}") from None
    if is_storage(path.name):
        return "bag"
    refuse_ros1(path)
    return "video"


def _kind_of_folder(path: Path, names: set[str]) -> str:
    """A bag's files among pictures are no bag, unless its metadata.yaml is there, too."""
    storage = any(map(is_storage, names))
    pictures = "img" in names or any(
        name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".") for name in names
    )
    metadata = "metadata.yaml" in names
    if storage and metadata:
        return "bag"
    if not pictures:
        for name in sorted(name for name in names if name.endswith(".bag")):
            refuse_ros1(path / name)
    return "bag" if (storage or metadata) and not pictures else "folder"

"""Depth images, camera_info and point clouds as arrays; messages are read by their fields only."""

import math

import numpy as np

from ...conversions.images import check_data, check_row, check_size
from ...core.errors import InputError
from .camera import Camera
from .lens import lens

ENCODINGS = {"16UC1": "u2", "mono16": "u2", "32FC1": "f4"}
FLOAT32, FLOAT64 = 7, 8  # datatypes of sensor_msgs/PointField
# Pixels: focal lengths and principal points beyond are of no camera.
SHORTEST, LARGEST = 1.0, 1e6
REALS = {FLOAT32: "f4", FLOAT64: "f8"}


def depth_image(msg, depth_scale: float) -> tuple[np.ndarray, float]:
    """sensor_msgs/Image as an array [H, W], a view of its data, and the metres of one unit.

    A unit is ``depth_scale`` metres in 16UC1, and a metre in 32FC1 (REP-118). Raises InputError.
    """
    if msg.encoding not in ENCODINGS:
        raise InputError(
            f"depth image encoding {msg.encoding[:60]!r} is not one of {', '.join(ENCODINGS)}"
        )
    check_size("depth image", msg.width, msg.height)
    kind = np.dtype(ENCODINGS[msg.encoding]).newbyteorder(">" if msg.is_bigendian else "<")
    check_row("depth image", msg, kind.itemsize)
    check_data("depth image", msg, msg.height, msg.step)
    rows = np.ndarray((msg.height, msg.width), kind, msg.data, strides=(msg.step, kind.itemsize))
    return rows, 1.0 if kind.kind == "f" else depth_scale


def camera_info(msg, rectified: bool) -> Camera:
    """The camera of a sensor_msgs/CameraInfo, with its binning and region of interest.

    Of ``rectified`` images P is told, as image_geometry has it, or K where P is all zeros; of raw
    ones K and D. Raises InputError.
    """
    check_size("camera_info", msg.width, msg.height)
    name, row = ("P", 4) if rectified and any(msg.p) else ("K", 3)
    matrix = [float(value) for value in (msg.p if name == "P" else msg.k)]
    fx, cx, fy, cy = matrix[0], matrix[2], matrix[row + 1], matrix[row + 2]
    if not (
        all(map(math.isfinite, matrix))
        and all(SHORTEST <= focal <= LARGEST for focal in (fx, fy))
        and all(abs(centre) <= LARGEST for centre in (cx, cy))
    ):
        why = "" if any(matrix) else ": the camera is not calibrated"
        raise InputError(
            f"camera_info has no usable {name}: fx {fx:g}, fy {fy:g}, cx {cx:g}, cy {cy:g}{why}"
        )
    across, down = max(msg.binning_x, 1), max(msg.binning_y, 1)
    roi = msg.roi
    width, height = roi.width or msg.width, roi.height or msg.height
    if (
        roi.x_offset + width > msg.width
        or roi.y_offset + height > msg.height
        or not (across <= width and down <= height)
    ):
        raise InputError(
            f"camera_info's region of {width}x{height} pixels at ({roi.x_offset}, {roi.y_offset}),"
            f" with a binning of {across}x{down}, is none of its {msg.width}x{msg.height} pixels"
        )
    cx, cy = (cx - roi.x_offset) / across, (cy - roi.y_offset) / down
    glass = None if rectified else lens(msg.distortion_model, [float(value) for value in msg.d])
    return Camera(fx / across, fy / down, cx, cy, width // across, height // down, glass)


def cloud(msg) -> np.ndarray:
    """An organised sensor_msgs/PointCloud2 as floats [H, W, 3], metres. Raises InputError.

    Read with ``sensor_msgs_py`` where it is installed.
    """
    check_cloud(msg)
    try:
        from sensor_msgs_py.point_cloud2 import read_points
    except ImportError:
        return numpy_cloud(msg)
    if msg.row_step > msg.width * msg.point_step:
        return numpy_cloud(msg)  # read_points knows of no padding
    # Its own way to reshape takes columns for rows.
    points = read_points(msg, field_names=("x", "y", "z"))
    return np.stack([points[name].reshape(msg.height, msg.width) for name in "xyz"], axis=-1)


def check_cloud(msg) -> None:
    """Raise InputError where a PointCloud2 is not an organised one with x, y and z as floats."""
    if msg.height == 1:
        raise InputError(
            f"point cloud of {msg.width}x{msg.height} points is not organised: one point for each"
            " pixel is needed"
        )
    check_size("point cloud", msg.width, msg.height)
    for name in "xyz":
        (field,) = [f for f in msg.fields if f.name == name][:1] or [None]
        if field is None or field.datatype not in REALS or field.count > 1:
            raise InputError(f"point cloud has no field {name!r} of type FLOAT32 or FLOAT64")
        if field.offset + np.dtype(REALS[field.datatype]).itemsize > msg.point_step:
            raise InputError(f"point cloud field {name!r} lies outside its points")
    if msg.row_step < msg.width * msg.point_step:
        raise InputError(
            f"point cloud row_step is {msg.row_step} bytes, but {msg.width} points of"
            f" {msg.point_step} bytes take {msg.width * msg.point_step}"
        )
    check_data("point cloud", msg, msg.height, msg.row_step)


def numpy_cloud(msg) -> np.ndarray:
    """``cloud`` without ``sensor_msgs_py``, for a message that passed ``check_cloud``."""
    order, fields = ">" if msg.is_bigendian else "<", {field.name: field for field in msg.fields}
    shape, strides = (msg.height, msg.width), (msg.row_step, msg.point_step)
    places = ((order + REALS[fields[name].datatype], fields[name].offset) for name in "xyz")
    planes = [np.ndarray(shape, kind, msg.data, offset, strides) for kind, offset in places]
    return np.stack(planes, axis=-1)

"""What makes ROS messages: rclpy's classes, or what takes their place in bags without ROS."""

import importlib
from collections.abc import Callable
from typing import Any

# Makes a message, such as Make("std_msgs/msg/Header", frame_id="camera"), the rest as by default.
Make = Callable[..., Any]


def ros_message(name: str, /, **values):
    """A message of rclpy's class for ``name``, such as "std_msgs/msg/Header"."""
    package, _, kind = name.split("/")
    return getattr(importlib.import_module(f"{package}.msg"), kind)(**values)

"""rosbag2 recordings (sqlite3 and mcap), read and written without ROS."""

from ...core.lazy import deferred

__all__ = ["BagSource"]

# Which file is a recording can be told without rosbags.
__getattr__ = deferred(__name__, BagSource="source")

"""The demonstration: a clip with known truth, played to the tracker over ROS 2, and a report."""

"""Boxes, search windows, memory schedule, decoding, target state: no torch, no ROS."""

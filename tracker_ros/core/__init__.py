"""Boxes, search windows, memory schedule, decoding, target state: numpy and OpenCV, no torch, no ROS."""

"""Plays recordings through the tracker: frame by frame, or live through ROS 2."""

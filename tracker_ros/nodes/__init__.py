"""ROS 2 nodes: tracker, follower and player, thin around runtime and sources."""

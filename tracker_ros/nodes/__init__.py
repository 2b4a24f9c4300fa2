"""ROS 2 nodes: a lifecycle tracker node and a player node, thin around runtime and sources."""

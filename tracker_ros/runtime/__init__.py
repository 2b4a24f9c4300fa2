"""What the node does with images, targets and time, without rclpy."""

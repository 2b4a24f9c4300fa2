"""The node's work on images, targets and time, without rclpy."""

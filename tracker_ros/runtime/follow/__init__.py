"""From a box in the image and a depth map to a place in space; no rclpy."""

"""Places in space, from a box in the image and a depth map; no rclpy."""

"""The one place where ROS messages and arrays meet.

Images are uint8 [H, W, 3] BGR; boxes are (x, y, w, h) floats in pixels of the subscribed image,
top-left corner first, pixel i covering [i, i + 1). Messages are read by their fields only, so those
of rclpy and of rosbags both work, and rclpy is not needed to read them. What makes messages takes a
``Make``: ``ros_message``, or ``sources.bag.typestore.bag_message`` to write bags without ROS.
"""

"""rosbag2 recordings (sqlite3 and mcap), read and written without ROS."""

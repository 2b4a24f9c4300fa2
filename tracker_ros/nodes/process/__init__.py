"""A node as a process of its own: signals, logs, DDS profile."""

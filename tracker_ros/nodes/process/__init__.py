"""A node as a process of its own: signals, arguments, logs, middleware."""

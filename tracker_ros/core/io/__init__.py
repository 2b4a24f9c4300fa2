"""Files, folders and pictures on disk."""

"""Model files: found, read, written, exported, described."""

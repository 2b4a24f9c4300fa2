"""Commands that run a tracker or a source of images."""

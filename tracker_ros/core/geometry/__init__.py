"""Boxes in images: where to look for the target, and what a score map says of its box."""

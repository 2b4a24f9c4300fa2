"""Choosing a target with the mouse, in a browser."""

"""Whole networks: one file a paper, with configuration and steps."""

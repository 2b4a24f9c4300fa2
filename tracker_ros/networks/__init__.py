"""Torch networks: shared parts and one file for each paper. Knows no engines, no nodes."""

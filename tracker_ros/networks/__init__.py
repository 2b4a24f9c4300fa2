"""Torch networks: shared parts and one file per paper. Knows nothing of engines, nodes or images."""

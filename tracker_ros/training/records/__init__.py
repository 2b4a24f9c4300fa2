"""Records of a run: checkpoints, log, plot, provenance, and why it ended."""

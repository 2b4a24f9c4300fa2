"""What a run leaves: checkpoints, log, plot, where it came from, why it ended."""

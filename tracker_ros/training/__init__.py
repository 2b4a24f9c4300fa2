"""From data to weights: shards, sampling, augmentation, targets, losses, loop."""

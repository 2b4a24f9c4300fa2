"""Training samples: frames of one target, cropped and augmented, in batches."""

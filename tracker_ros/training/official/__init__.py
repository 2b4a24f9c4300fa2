"""Official checkpoints of the papers' code and of ImageNet trunks, as models of this package."""

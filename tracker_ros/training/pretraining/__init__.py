"""Pre-training of a backbone as a classifier of labelled pictures."""

"""Learning of one target while it is followed, in NumPy: a classifier and a scale regression."""

"""Online learning of one target while it is followed, in NumPy: a classifier and its scale."""

"""Public data sets, one file each: sequences with truth, absence, cover and label."""

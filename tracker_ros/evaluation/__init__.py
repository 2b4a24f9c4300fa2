"""One-pass evaluation of trackers on sequences with truth."""

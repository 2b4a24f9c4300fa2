"""Commands that say how good and how fast trackers are, and why."""

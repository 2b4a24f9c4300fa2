"""Evaluation of trackers on sequences with truth: protocols, results, reports, speed."""

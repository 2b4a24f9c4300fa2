"""Optimiser, schedules, averaged weights, and what the attention may cost."""

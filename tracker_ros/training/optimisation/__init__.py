"""Optimiser and schedule, averaged weights, and what the attention may cost."""

"""Decisions of the dynamic attention's gate, counted and drawn."""

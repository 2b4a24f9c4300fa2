"""``tracker-ros benchmark``: what tracking costs, by stage, beside others, and as things grow."""

"""Commands that make models and say what they are."""

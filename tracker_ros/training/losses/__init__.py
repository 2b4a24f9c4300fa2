"""Losses, one file a family of networks, and the targets they compare with."""

"""Backbones, one file a family of them."""

"""Subscriptions that fit themselves to what publishers offer."""

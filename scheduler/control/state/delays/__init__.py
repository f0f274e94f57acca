"""Causes that kept work waiting: told from what was recorded, not from what was planned."""

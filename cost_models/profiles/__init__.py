"""Measurements kept for learning: rows, their store, and their way into other tools."""

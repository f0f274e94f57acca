"""Scenarios for the simulator: their files, several of them at once, and their pictures."""

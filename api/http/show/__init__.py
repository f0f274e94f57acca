"""Runs and profiles as they are answered."""

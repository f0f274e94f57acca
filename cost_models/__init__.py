"""Predicts: durations as distributions with an origin."""

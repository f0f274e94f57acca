"""Sensors of this box: contention, pace, energy."""

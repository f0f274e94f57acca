"""Corrections from each execution: tracks by work and machine, drift, session times."""

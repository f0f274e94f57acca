"""A run from its submission to its end: expanded, dispatched, reported on, recovered."""

"""Judges a provider: the distance of its results from the CPU's, trials, the operator at fault."""

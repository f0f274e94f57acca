"""Predictions of a service: the oracle, learned models by digest, counts of graphs."""

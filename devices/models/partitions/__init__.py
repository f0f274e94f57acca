"""Convex pieces of a model, each a model of its own."""

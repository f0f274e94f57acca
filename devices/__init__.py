"""Runs operations: what a box offers, the tensors on it, and the agent that serves a site."""

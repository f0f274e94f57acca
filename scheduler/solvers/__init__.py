"""Solvers: each takes a `Problem` and returns a `Result`; found by name in the registry."""

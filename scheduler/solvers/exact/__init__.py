"""Solvers that prove bounds. The one door to OR-Tools."""

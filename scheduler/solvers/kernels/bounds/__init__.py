"""Kernels of priorities and lower bounds: passes over the precedence graph, machines left out.

`ranking`, `means` and `clustering` serve the list heuristics, `reaching` the lower bound, `margins`
the exact solvers. Imports only the modules directly in `kernels`.
"""

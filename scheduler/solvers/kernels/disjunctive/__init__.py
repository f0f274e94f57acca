"""Kernels of the disjunctive graph: tabu search and path relinking walk over it.

Start at `tabu` (one iteration); `graph` holds the arrays, `paths` heads and tails, `sinks` the
costs of ends. A move is estimated by `insertion` or `weighing`, and made by `moving`; `critical`
finds the operations worth moving. Imports only the modules directly in `kernels`.
"""

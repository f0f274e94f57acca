"""Kernels of searches that decode a sequence: annealing, genetic search, ants and particles.

Start at `decoding` (order and modes to a schedule) and `records` (the form that all of them take).
`choosing` keeps modes feasible, `profiles` tracks resources, `evaluation` and `valuing` price a
plan, `moves` changes one. Imports only the modules directly in `kernels`.
"""

"""Kernels of the list heuristics: each operation is placed once, on timelines of the machines.

Start at `timelines` (earliest start, place, undo); `drafts` allocates its memory. `listing` places
in a given order with `picking` for the mode, `dispatching` compares all ready operations.
`domains`, `setups` and `steps` answer for devices, setups and resources. Imports only the modules
directly in `kernels`.
"""

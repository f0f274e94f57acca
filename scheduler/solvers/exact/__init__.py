"""Solvers that prove bounds. The one door to OR-Tools.

Start at `cp_sat` (the whole problem) and `constraints`, the table of contents of its model: `frame`
narrows it, `cp_model` holds the variables, the other `cp_*` modules add constraints and objectives,
and `engine` runs it. `large_neighbourhood` repairs parts of a plan (`neighbourhoods`, `windows`),
`cp_bands` proves priority bands, `milp` gives a second opinion. Imports `scheduler.model`, the
array form, `search`, `left_shift` and `kernels`.
"""

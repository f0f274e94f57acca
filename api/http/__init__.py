"""The HTTP side of the service: routes, bodies, answers, errors.

Begin with `server.py` for the application, with `routes/` for an address, and with `runs.py` for
the seam that every protocol uses. `body/` turns bytes into values, `workloads/` checks a posted
graph, `show/` makes answers of runs and profiles, `context.py` is shared by all routes. The room
imports every room below it; only `supervisor` and `cli` import it. Status codes stay in
`errors.py`.
"""

"""Solvers: each takes a `Search` over an array form, and offers plans, bounds or proofs to it.

Start at `registry`, which names every solver and imports it at its first use: `heuristics`,
`metaheuristics` and `exact` hold one file per algorithm. `translating` turns a problem into
`arrays`, the form that all compute with; `search` is the state that they share; `bounding` and
`verifying` prove and check on the form; `kernels` holds the compiled loops. Imports
`scheduler.model` only; no solver knows another one's file but for shared parts.

Examples
--------
>>> from scheduler.solvers import registry
>>> entry = registry.entry("tabu_search")
>>> entry.kind.value, entry.path.partition(":")[0]
('improvement', 'scheduler.solvers.metaheuristics.tabu_search')
"""

"""Portfolio: heuristics first, then solvers side by side under shared limits, judged at the end.

Start at `solving.solve`, the entrance. `members` chooses the solvers, `exploring` runs one search,
`stages` one per priority band with `closing` for the proofs, `lanes` the threads, `judging` holds
every plan against the checker. `placing` gives the brain a solver that places at once. Imports
`scheduler.solvers` and `scheduler.model`.

Examples
--------
>>> from scheduler.model.problem import Job, Machine, Mode, Operation, Problem
>>> problem = Problem(
...     machines=(Machine(id="cpu0"), Machine(id="cpu1")),
...     jobs=(Job(id="frames"),),
...     operations=tuple(
...         Operation(
...             id=name,
...             job="frames",
...             modes=(Mode(machine="cpu0", duration_us=4), Mode(machine="cpu1", duration_us=6)),
...         )
...         for name in ("left", "right")
...     ),
... )
>>> result = solve(problem, "heft")
>>> result.value, result.bound, result.found_by
(6, 5, 'heft')
"""

from scheduler.portfolio.members import taking_part
from scheduler.portfolio.placing import placer, placers
from scheduler.portfolio.progress import Cancellation, SearchProgress
from scheduler.portfolio.solving import SOLVED, names, solve
from scheduler.portfolio.warming import warm_up

__all__ = [
    "SOLVED",
    "Cancellation",
    "SearchProgress",
    "names",
    "placer",
    "placers",
    "solve",
    "taking_part",
    "warm_up",
]

"""Splits of a neural network over accelerators and a host, after Tarnawski et al. (2020).

Start at `solving.solve`, the entrance. `blocks` finds nodes that stay together, `cutting` and
`ideals` make splits, `bounds` and `chains` prove, `values` prices a split, and `checking` judges
it, sharing no code with the others. Imports `scheduler.model`, `scheduler.instances` and the
kernels `splitting`. A split is no schedule: see ADR 0008.

Examples
--------
>>> from scheduler.instances.network import PlacementNode, PlacementProblem
>>> nodes = tuple(
...     PlacementNode(
...         number=number,
...         accelerator_time=2.0,
...         host_time=9.0,
...         size_bytes=6,
...         backward=False,
...         colour=None,
...         cost=1.0,
...     )
...     for number in range(2)
... )
>>> network = PlacementProblem(
...     accelerators=2, cores=0, memory_bytes=9, nodes=nodes, edges=((0, 1),)
... )
>>> answer = solve(network, Goal.MAX_LOAD, clock=lambda: 0.0)
>>> answer.value, sorted(answer.split)
(3.0, [0, 1])
"""

from scheduler.model.objectives import Goal
from scheduler.splitting.answering import Answer, Report
from scheduler.splitting.checking import SplitViolation, SplitViolationKind, check
from scheduler.splitting.members import MEMBERS, Splitter, members_for
from scheduler.splitting.solving import solve, warm_up

__all__ = [
    "MEMBERS",
    "Answer",
    "Goal",
    "Report",
    "SplitViolation",
    "SplitViolationKind",
    "Splitter",
    "check",
    "members_for",
    "solve",
    "warm_up",
]

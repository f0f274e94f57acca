"""Which solvers, in what order, under one budget. Every schedule is judged before it is shown."""

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

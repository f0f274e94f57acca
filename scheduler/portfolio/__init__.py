"""Which solvers, in what order, under one budget. Every schedule is judged before it is shown."""

from scheduler.portfolio.progress import Cancellation, Progress
from scheduler.portfolio.solving import SOLVED, names, solve

__all__ = ["SOLVED", "Cancellation", "Progress", "names", "solve"]

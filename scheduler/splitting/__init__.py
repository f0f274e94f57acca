"""Splits of a neural network over accelerators and a host, after Tarnawski et al. (2020)."""

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

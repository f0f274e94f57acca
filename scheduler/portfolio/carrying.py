"""Warm start: a plan made before becomes a plan of now."""

from __future__ import annotations

from scheduler.model.problem import Problem
from scheduler.model.schedule import Schedule
from scheduler.solvers.arrays import Arrays, Solution


def carried_over(problem: Problem, form: Arrays, plan: Schedule) -> Solution | None:
    """Bring a plan for much the same problem up to the present."""
    return None

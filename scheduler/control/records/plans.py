"""The record of a plan once it has passed: its maker, its promise and its fate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scheduler.control.records.site import SiteView


class PlanFate(StrEnum):
    """The fate of a plan."""

    IN_FORCE = "in_force"  # placed at once by the heuristic, or carried over: what was shown
    ACCEPTED = "accepted"  # proposed by a solver, and adopted
    DROPPED = "dropped"  # proposed by a solver, and not better by the time it came


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """A plan as history keeps it.

    Parameters
    ----------
    version
        Of the plan; of a dropped one that of the plan which it was to replace.
    source
        The heuristic or the solver that made it.
    makespan_us, bound_us
        Predicted, from `at_us`; the bound is 0 where none was proven.
    """

    at_us: int
    version: int
    source: str
    verdict: PlanFate
    makespan_us: int
    bound_us: int


def shown(view: SiteView) -> PlanRecord | None:
    """The plan that a view shows, ``None`` if it plans nothing."""
    if not view.planned_makespan_us:
        return None
    passed_us = view.at_us - view.origin_us
    return PlanRecord(
        at_us=view.at_us,
        version=view.version,
        source=view.plan_source,
        verdict=PlanFate.IN_FORCE,
        makespan_us=max(0, view.planned_makespan_us - passed_us),
        bound_us=max(0, view.bound_us - passed_us),
    )

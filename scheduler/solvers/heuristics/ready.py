"""Schedulers without a list: each step compares all ready operations.

Departures from all the papers: only ready operations of the most urgent band are compared; means
are over the modes of an operation; every rule of the problem is kept; ties go to the earlier
operation and to the earlier mode. The time of a step grows with the number of ready operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.arrays import Arrays
from scheduler.solvers.heuristics.building import construct
from scheduler.solvers.heuristics.priorities import as_given, hop_levels, static_levels
from scheduler.solvers.kernels.timeline import dispatching as rules
from scheduler.solvers.kernels.timeline.dispatching import candidates, dispatch
from scheduler.solvers.kernels.timeline.drafts import Draft
from scheduler.solvers.search import Search

Float = NDArray[np.float64]


def due_dates(form: Arrays) -> Float:
    """Level that is larger, the earlier the job is due."""
    return -form.job_due_us[form.job].astype(np.float64)


def slacks(form: Arrays) -> Float:
    """Level that is larger, the less slack remains before the due date."""
    return static_levels(form) + due_dates(form)


@dataclass(frozen=True, kw_only=True)
class ReadyScheduler:
    """Places, again and again, the ready operation that its rule puts first.

    Deterministic: the seed is not used.

    Parameters
    ----------
    rule
        Comparison of candidates, each in the mode in which it finishes earliest.
    level
        A number per operation that the rule compares.
    insertion
        True if gaps between operations are filled.
    """

    name: str
    rule: int
    level: Callable[[Arrays], Float] = as_given
    insertion: bool = False

    def __call__(self, search: Search, seed: int) -> None:
        """Offer one plan."""
        form = search.form

        def build(w: Draft) -> int:
            level, memory = self.level(form), candidates(form)
            append, stop = not self.insertion, search.stop_flag
            return int(dispatch(form, w, memory, self.rule, level, append, stop))

        construct(search, self.name, build)


def _dispatcher(
    name: str, rule: int, level: Callable[[Arrays], Float] = as_given
) -> ReadyScheduler:
    """Dispatching rule: compares the ready operations that can start soonest.

    Gaps are filled, so that a lower band can use the time that a higher one leaves.
    """
    return ReadyScheduler(name=name, rule=rule, level=level, insertion=True)


# Batch mode: all ready operations are compared.

min_min = ReadyScheduler(name="min_min", rule=rules.MIN_MIN)
"""The operation that can finish earliest. Ibarra and Kim (1977), doi:10.1145/322003.322011."""

max_min = ReadyScheduler(name="max_min", rule=rules.MAX_MIN)
"""The operation whose best finish is latest. Ibarra and Kim (1977), doi:10.1145/322003.322011."""

sufferage = ReadyScheduler(name="sufferage", rule=rules.SUFFERAGE)
"""The operation that loses most if it does not get its best mode.

Maheswaran et al. (1999), doi:10.1006/jpdc.1999.1581. An operation with a single mode goes first.
"""

etf = ReadyScheduler(name="etf", rule=rules.EARLIEST, level=static_levels)
"""Earliest task first: the operation that can start earliest; ties by the longest path after it.

Hwang, Chow, Anger and Lee (1989), doi:10.1137/0218016.
"""

# Dispatching rules; surveyed by Panwalkar and Iskander (1977), doi:10.1287/opre.25.1.45.

spt = _dispatcher("spt", rules.SHORTEST)
"""Shortest processing time."""

lpt = _dispatcher("lpt", rules.LONGEST)
"""Longest processing time. Graham (1969), doi:10.1137/0117039."""

mwkr = _dispatcher("mwkr", rules.LEVEL, static_levels)
"""Most work remaining: in a graph, on the longest path to the end."""

mor = _dispatcher("mor", rules.LEVEL, hop_levels)
"""Most operations remaining: in a graph, on the longest path to the end."""

edd = _dispatcher("edd", rules.LEVEL, due_dates)
"""Earliest due date; jobs without one come last."""

least_slack = _dispatcher("least_slack", rules.LEVEL, slacks)
"""Least time between the work that remains and the due date; jobs without one come last."""

atc = _dispatcher("atc", rules.TARDINESS_COST, static_levels)
"""Apparent tardiness cost. Vepsalainen and Morton (1987), doi:10.1287/mnsc.33.8.1035.

Looks ahead three mean durations; remaining operations are expected to wait as long as they run.
"""

covert = _dispatcher("covert", rules.COVERT, static_levels)
"""Cost over time. Vepsalainen and Morton (1987), doi:10.1287/mnsc.33.8.1035, after Carroll (1965).

Slack counts against twice the remaining time.
"""

"""Start everything as early as it can: from any schedule to an active one that is no worse."""

from __future__ import annotations

from collections.abc import Sequence

from scheduler.model.indexed import Option, indexed
from scheduler.model.problem import Mode, Problem
from scheduler.model.schedule import Schedule
from scheduler.solvers.heuristics.timeline import Draft


def left_shifted(problem: Problem, schedule: Schedule) -> Schedule:
    """Keep the machines; move each operation, in order of start, into the first gap it fits.

    Each takes the quickest of its modes there: where it has slack, a search for a short makespan
    has no reason to. None ends later than before: when its turn comes, its old place is free.

    References
    ----------
    Sprecher, Kolisch and Drexl (1995), doi:10.1016/0377-2217(93)E0294-8.
    """
    form = indexed(problem)
    draft = Draft(form, None)
    placed = [schedule[operation.id] for operation in problem.operations]
    # Durations are at least 1, so the order of starts respects precedence.
    for i in sorted(form.order, key=lambda i: placed[i].start_us):
        if i in form.frozen:
            continue
        option = _quickest(form.options[i], problem.operations[i].modes, placed[i].machine)
        ready_us = draft.ready_us(i, option.device)
        timeline = draft.timelines[option.machine]
        draft.place(i, option, timeline.earliest_start_us(ready_us, option.duration_us))
    return draft.schedule() or schedule


def _quickest(options: list[Option], modes: Sequence[Mode], machine: str) -> Option:
    there = (option for option in options if modes[option.mode].machine == machine)
    return min(there, key=lambda option: option.duration_us)

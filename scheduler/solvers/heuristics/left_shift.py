"""Start everything as early as it can: from any schedule to an active one that is no worse."""

from __future__ import annotations

from scheduler.model.indexed import Option, indexed
from scheduler.model.problem import Problem
from scheduler.model.schedule import Schedule
from scheduler.solvers.heuristics.timeline import Draft


def left_shifted(problem: Problem, schedule: Schedule) -> Schedule:
    """Keep the modes; move each operation, in order of start, into the first gap it fits.

    No operation starts later than before: when its turn comes, its old place is still free.

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
        option: Option = next(o for o in form.options[i] if o.mode == placed[i].mode)
        ready_us = draft.ready_us(i, option.device)
        timeline = draft.timelines[option.machine]
        draft.place(i, option, timeline.earliest_start_us(ready_us, option.duration_us))
    return draft.schedule() or schedule

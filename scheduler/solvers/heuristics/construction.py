"""What all constructive heuristics do around their own rule: begin, order by band, answer."""

from __future__ import annotations

from collections.abc import Callable

from scheduler.model.bounds import lower_bound
from scheduler.model.indexed import Indexed, indexed
from scheduler.model.problem import Problem
from scheduler.model.schedule import Result, Schedule, Status
from scheduler.solvers.heuristics.domains import Domains
from scheduler.solvers.heuristics.timeline import Draft


def construct(problem: Problem, *, name: str, rule: Callable[[Draft], bool]) -> Result:
    """Build a schedule with a rule, and say what is known of it.

    Deadlines do not steer the rules. A schedule that misses one is attached to a result whose
    status is LIMIT: the caller decides what becomes of late work.

    Parameters
    ----------
    rule
        Places every operation of the draft that has not started; false at a dead end.
    """
    form = indexed(problem)
    domains = Domains(form) if form.restricted else None
    bound_us = lower_bound(form)
    if _impossible(form, domains):
        return Result(status=Status.INFEASIBLE, solver=name, bound=bound_us)
    draft = Draft(form, domains)
    schedule = draft.schedule() if rule(draft) else None
    if schedule is None:
        return Result(status=Status.LIMIT, solver=name, bound=bound_us)
    return Result(
        status=Status.FEASIBLE if _meets_deadlines(problem, schedule) else Status.LIMIT,
        solver=name,
        schedule=schedule,
        value=max(draft.ends, default=0),
        bound=bound_us,
    )


def _impossible(form: Indexed, domains: Domains | None) -> bool:
    if domains is not None and domains.empty:
        return True
    return any(not options and i not in form.frozen for i, options in enumerate(form.options))


def _meets_deadlines(problem: Problem, schedule: Schedule) -> bool:
    """Whether each operation, even if it takes its 95th percentile, ends by its job's deadline."""
    deadlines = {job.id: job.deadline_us for job in problem.jobs if job.deadline_us is not None}
    if not deadlines:
        return True
    for operation, placed in zip(problem.operations, schedule, strict=True):
        deadline_us = deadlines.get(operation.job)
        if deadline_us is None:
            continue
        end_us = placed.end_us
        if operation.progress is None or operation.progress.end_us is None:
            end_us = max(end_us, placed.start_us + operation.modes[placed.mode].p95_us)
        if end_us > deadline_us:
            return False
    return True

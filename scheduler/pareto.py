"""Pareto front of makespan and energy: plans of which none is better than another in both."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from scheduler.model.objectives import Objective
from scheduler.model.problem import Demand, Mode, Problem, Resource
from scheduler.model.schedule import Limits, Result, Schedule
from scheduler.portfolio import Cancellation, solve

BUDGET = "energy budget"
"""Name of the resource that is added; it is not in the plans."""


def front(
    problem: Problem,
    limits: Limits | None = None,
    points: int = 7,
    *,
    seed: int = 0,
    solver: str = "auto",
    cancel: Cancellation | None = None,
) -> list[Result]:
    """Trade the makespan off against energy.

    The front has both ends: the shortest plan, and the shortest plan of least energy. Between them
    energy becomes a budget that falls by equal steps, and the makespan is minimised within it.

    Parameters
    ----------
    limits
        For all plans together; each may use an equal share.
    points
        Number of budgets tried, the ends included. At least 2.

    Returns
    -------
    Plans from the shortest to that of least energy, none better than another in both. The value of
    each is its makespan, and ``statistics["energy_uj"]`` its energy. Empty if there is no plan.

    References
    ----------
    Haimes, Lasdon and Wismer (1971), doi:10.1109/TSMC.1971.4308298: the epsilon-constraint method.
    """
    share = _shared(limits or Limits(), points + 1)
    ask = partial(solve, solver=solver, limits=share, seed=seed, cancel=cancel)
    fastest = ask(problem)
    least = ask(problem, objective=Objective.ENERGY)
    if fastest.schedule is None or least.schedule is None:
        return []
    found = [_priced(problem, fastest)]
    most_uj, least_uj = energy_uj(problem, fastest.schedule), energy_uj(problem, least.schedule)
    for i in reversed(range(points - 1)):
        budget_uj = least_uj + (most_uj - least_uj) * i // (points - 1)
        within = ask(budgeted(problem, budget_uj), warm_start=least.schedule)
        if within.schedule is not None:
            found.append(_priced(problem, within))
    return _undominated(found)


def _priced(problem: Problem, result: Result) -> Result:
    assert result.schedule is not None
    energy = float(energy_uj(problem, result.schedule))
    return replace(result, statistics={**result.statistics, "energy_uj": energy})


def _undominated(results: list[Result]) -> list[Result]:
    """Sort by makespan; leave out plans that need no less energy than an equally short one."""
    kept: list[Result] = []
    for result in sorted(results, key=lambda r: (r.value or 0, r.statistics["energy_uj"])):
        if not kept or result.statistics["energy_uj"] < kept[-1].statistics["energy_uj"]:
            kept.append(result)
    return kept


def energy_uj(problem: Problem, schedule: Schedule) -> int:
    """Energy of all operations of a schedule, in microjoules."""
    return sum(problem.operation(a.operation).modes[a.mode].energy_uj for a in schedule)


def budgeted(problem: Problem, budget_uj: int) -> Problem:
    """The same problem, with energy as a budget that all operations share."""
    operations = tuple(
        replace(operation, modes=tuple(_charged(mode) for mode in operation.modes))
        for operation in problem.operations
    )
    budget = Resource(id=BUDGET, capacity=budget_uj, renewable=False)
    return replace(problem, operations=operations, resources=(*problem.resources, budget))


def _charged(mode: Mode) -> Mode:
    if not mode.energy_uj:
        return mode
    demand = Demand(resource=BUDGET, amount=mode.energy_uj)
    return replace(mode, demands=(*mode.demands, demand))


def _shared(limits: Limits, parts: int) -> Limits:
    work = None if limits.deterministic_s is None else limits.deterministic_s / parts
    return replace(limits, time_s=limits.time_s / parts, deterministic_s=work)

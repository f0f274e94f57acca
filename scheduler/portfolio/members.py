"""Who takes part: which solvers suit a problem and an objective, in what order, on which worker."""

from __future__ import annotations

from collections.abc import Sequence

from scheduler.model.errors import InvalidInput, UnknownName
from scheduler.model.objectives import Objective
from scheduler.portfolio.lanes import Lane, Member
from scheduler.solvers import registry
from scheduler.solvers.arrays import NEVER_US, Arrays
from scheduler.solvers.features import features
from scheduler.solvers.registry import Kind

AUTO = "auto"
ALWAYS = ("heft", "fastest_machine", "best_single_machine")
"""Heuristics that run whatever the limits are: some plan is always there."""
SLOW = ("lookahead_heft",)
"""Heuristics that come last, because they take longer than the others together."""
IMPROVERS = (
    Member("tabu_search", 2.0),
    Member("large_neighbourhood", 1.0),
    Member("simulated_annealing", 1.0),
    Member("genetic", 1.0),
)
"""Searches of `AUTO`, the best ones first."""
EXACT = "cp_sat"
MOST_FOR_PROOF = 400
"""Operations up to which an exact solver is likely to be worth its time."""


def names() -> tuple[str, ...]:
    """Everything that can be asked for."""
    return (AUTO, *registry.names())


def expect_solver(solver: str) -> None:
    """Refuse a name that nobody has.

    Raises
    ------
    UnknownName
        If there is no such solver; the message lists those there are.
    """
    if solver not in names():
        message = f"solver must be one of {', '.join(names())}; got {solver!r}"
        raise UnknownName(message, field="solver")


def expect_suited(form: Arrays, solver: str, objective: Objective) -> None:
    """Refuse what a solver does not take into account, and an objective without its data.

    Raises
    ------
    InvalidInput
        Naming the features, or the data, that are missing.
    """
    lacking = [] if solver == AUTO else sorted(features(form) - registry.entry(solver).features)
    if lacking:
        able = ", ".join(name for name in registry.names() if _takes(name, form))
        message = f"solver {solver!r} must support what the problem has; got {', '.join(lacking)}"
        raise InvalidInput(f"{message} (those that do: {able})", field="solver")
    missing = missing_data(form, objective)
    if missing and len(form.job):
        message = f"objective {objective.value!r} must have a job with a {missing}; got none"
        raise InvalidInput(message, field="objective")


def missing_data(form: Arrays, objective: Objective) -> str:
    """Say what no job has although the objective speaks of nothing else; empty if one has it."""
    due = {Objective.MAX_LATENESS, Objective.WEIGHTED_TARDINESS}
    if objective in due and not (form.job_due_us < NEVER_US).any():
        return "due date"
    if objective is Objective.DEADLINE_MISSES and not (form.job_deadline_us < NEVER_US).any():
        return "deadline"
    return ""


def constructive(form: Arrays, solver: str) -> tuple[str, ...]:
    """Heuristics that are to give a first plan, cheapest first."""
    known = registry.names(Kind.CONSTRUCTIVE)
    if solver in known:
        return (solver,)
    quick = [name for name in known if name not in (*ALWAYS, *SLOW)]
    order = [*ALWAYS, *quick, *SLOW]
    return tuple(name for name in order if name in known and _takes(name, form))


def taking_part(solver: str) -> tuple[str, ...]:
    """Names of all that may take part, whatever the problem is, when a solver is asked for."""
    first = registry.names(Kind.CONSTRUCTIVE)
    if solver in first:
        return (solver,)
    searches = (solver,) if solver != AUTO else (*(member.name for member in IMPROVERS), EXACT)
    known = registry.names()
    return (*first, *(name for name in searches if name in known))


def lanes(form: Arrays, solver: str, objective: Objective, workers: int) -> Sequence[Lane]:
    """Share the members out among the workers."""
    if solver != AUTO:
        is_done = registry.entry(solver).kind is Kind.CONSTRUCTIVE
        return () if is_done else ((Member(solver),),)
    known = registry.names()
    able = [m for m in IMPROVERS if m.name in known and _suits(m.name, form, objective)][:3]
    if EXACT in known and len(form.job) <= MOST_FOR_PROOF and _suits(EXACT, form, objective):
        able.insert(1, Member(EXACT))
    rows: list[list[Member]] = [[] for _ in range(min(workers, len(able)))]
    for place, member in enumerate(able):
        rows[place % len(rows)].append(member)
    return rows


def _takes(name: str, form: Arrays) -> bool:
    return features(form) <= registry.entry(name).features


def _suits(name: str, form: Arrays, objective: Objective) -> bool:
    return objective in registry.entry(name).objectives and _takes(name, form)

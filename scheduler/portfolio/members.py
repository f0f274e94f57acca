"""Members: the solvers that suit a problem and an objective, in order, shared out to workers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from scheduler.model.errors import InvalidInput, UnknownName
from scheduler.model.objectives import Objective
from scheduler.portfolio.lanes import Member
from scheduler.solvers import registry
from scheduler.solvers.arrays import NEVER_US, Arrays
from scheduler.solvers.features import features
from scheduler.solvers.kernels.disjunctive.sinks import sinks
from scheduler.solvers.registry import Feature, SolverKind
from scheduler.solvers.search import WORK_PER_S, Search

AUTO = "auto"
FIRST = ("heft", "fastest_machine", "peft")
"""Heuristics that run in any case. Each takes 0.2 to 0.6 ms for 200 operations."""
NEXT = ("lookahead_heft",)
"""Heuristics that are often good where the others are far off; on some graphs they take seconds."""
LAST = ("cpop", "round_robin", "dominant_sequence", "best_single_machine")
"""Heuristics that take longer than the others, 1 to 8 ms for 200 operations."""
ALL_MODES = 20_000
"""Most modes of a problem for which all heuristics run before the search, while there is time.
Together they take 7 to 25 ms for 50 to 200 operations, and 100 ms for 300 on 32 machines."""
HEURISTIC_STEPS = 1e5
"""Steps that a heuristic counts as; beyond `ALL_MODES`, operations times modes are added."""
TRIAL_STEPS = 1.0
"""Steps to try one mode of an operation with one of a target..."""
INPUT_STEPS = 0.2
"""...and to read one input of a target."""
HEURISTICS = "heuristics"
GRAPH_SEARCH = Member("tabu_search")
GRAPH_SEARCHES = ("tabu_search", "path_relinking")
MOST_TAILS = 20_000_000
"""Most operations times ends that count for a search of the graph: tails of 160 MB."""
IMPROVERS = (
    GRAPH_SEARCH,
    Member("path_relinking"),
    Member("large_neighbourhood"),
    Member("simulated_annealing"),
    Member("genetic"),
)
"""Searches of `AUTO`, the best ones first."""
STARTERS = ("simulated_annealing", "large_neighbourhood")
"""Searches that find a plan where heuristics find none."""
EXACT = Member("cp_sat", share=0.5)
MOST_FOR_PROOF = 400
"""Most operations with which an exact solver is likely to be worth its time."""


def names() -> tuple[str, ...]:
    """Names of all solvers that can be asked for, `AUTO` included."""
    return (AUTO, *registry.names())


def expect_solver(solver: str) -> None:
    """Refuse an unknown solver.

    Raises
    ------
    UnknownName
        If there is no such solver; the message lists those there are.
    """
    if solver not in names():
        message = f"solver must be one of {', '.join(names())}; got {solver!r}"
        raise UnknownName(message, field="solver")


def expect_suited(form: Arrays, solver: str, objective: Objective) -> None:
    """Refuse features that a solver does not support, and an objective without its data.

    Raises
    ------
    InvalidInput
        Names the unsupported features, the missing data, or the excess of jobs.
    """
    needed = features(form)
    lacking = [] if solver == AUTO else sorted(needed - registry.entry(solver).features)
    if lacking:
        able = ", ".join(name for name in registry.names() if _takes(name, needed))
        message = (
            f"solver {solver!r} must support all features of the problem; got {', '.join(lacking)}"
        )
        raise InvalidInput(f"{message} (those that do: {able})", field="solver")
    if not _has_room(solver, form, objective):
        message = f"solver {solver!r} must have at most {MOST_TAILS} pairs of operation and job"
        raise InvalidInput(f"{message} for {objective.value!r}; got more", field="solver")
    missing = missing_data(form, objective)
    if missing and len(form.job):
        message = f"objective {objective.value!r} must have a job with a {missing}; got none"
        raise InvalidInput(message, field="objective")


def missing_data(form: Arrays, objective: Objective) -> str:
    """Name the data that the objective needs and no job has; empty if one has it."""
    due = {Objective.MAX_LATENESS, Objective.WEIGHTED_TARDINESS}
    if objective in due and not (form.job_due_us < NEVER_US).any():
        return "due date"
    if objective is Objective.DEADLINE_MISSES and not (form.job_deadline_us < NEVER_US).any():
        return "deadline"
    return ""


def taking_part(solver: str) -> tuple[str, ...]:
    """Names of all members that may take part for a solver, on any problem.

    Raises
    ------
    UnknownName
        If there is no such solver.
    """
    expect_solver(solver)
    first = registry.names(SolverKind.CONSTRUCTIVE)
    if solver in first:
        return (solver,)
    if solver != AUTO:
        return (*first, solver)
    members = (*(member.name for member in IMPROVERS), EXACT.name)
    return (*first, *(name for name in members if name in registry.names()))


def constructive(form: Arrays, solver: str) -> tuple[str, ...]:
    """Heuristics that suit a problem: first those that run in any case, last the slowest."""
    known = registry.names(SolverKind.CONSTRUCTIVE)
    if solver in known:
        return (solver,)
    needed = features(form)
    between = [name for name in known if name not in (*FIRST, *NEXT, *LAST)]
    order = [*FIRST, *NEXT, *between, *LAST]
    return tuple(name for name in order if name in known and _takes(name, needed))


def are_quick(form: Arrays) -> bool:
    """True if all heuristics together take little time."""
    return len(form.mode_us) <= ALL_MODES


def steps_each(form: Arrays) -> float:
    """Steps that a heuristic counts as."""
    return HEURISTIC_STEPS + (0 if are_quick(form) else len(form.state) * len(form.mode_us))


def has_time(search: Search, name: str) -> bool:
    """True if a search has time for a heuristic, which does not stop in the middle."""
    if name not in NEXT:
        return True
    # Counted work if it is limited, because the answer must not depend on the clock then.
    left = search.remaining_work
    if left == math.inf:
        left = search.remaining_s * WORK_PER_S
    return look_ahead_steps(search.form) <= left


def look_ahead_steps(form: Arrays) -> float:
    """Steps to try each mode with all targets and all inputs of these."""
    modes, sources = np.diff(form.mode_first).astype(np.float64), np.diff(form.source_first)
    target = np.repeat(np.arange(len(sources)), sources)
    pairs = float((modes[form.source_op] * modes[target]).sum())
    return TRIAL_STEPS * pairs + INPUT_STEPS * float(sources[target].sum())


def lanes(
    form: Arrays, solver: str, objective: Objective, workers: int, *, has_plan: bool
) -> list[list[Member]]:
    """Share the members among the workers.

    Parameters
    ----------
    has_plan
        True if there is a plan to improve.
    """
    if solver != AUTO:
        kind = registry.entry(solver).kind
        needs_plan = kind is SolverKind.IMPROVEMENT
        is_done = kind is SolverKind.CONSTRUCTIVE or (needs_plan and not has_plan)
        return [] if is_done else [[Member(solver)]]
    needed = features(form)
    able = [m for m in IMPROVERS if _suits(m.name, needed, objective)]
    able = [m for m in able if _has_room(m.name, form, objective)]
    able = [m for m in able if has_plan or m.name in STARTERS]
    # If the graph can be searched, other searches only take time from those two.
    able = able[: 2 if GRAPH_SEARCH in able else 3]
    if len(form.job) <= MOST_FOR_PROOF and _suits(EXACT.name, needed, objective):
        able.append(EXACT)
    rows: list[list[Member]] = [[] for _ in range(min(workers, len(able)))]
    for place, member in enumerate(able):
        rows[place % len(rows)].append(member)
    return rows


def later(names: Sequence[str], form: Arrays) -> Member:
    """Member that runs heuristics for which there was no time before the search."""
    steps = steps_each(form)

    def run(search: Search, seed: int) -> None:
        for name in names:
            if not search.spend(steps):
                return
            if has_time(search, name):
                registry.solver(name)(search, seed)

    return Member(HEURISTICS, solver=run)


def _takes(name: str, needed: frozenset[Feature]) -> bool:
    return needed <= registry.entry(name).features


def _suits(name: str, needed: frozenset[Feature], objective: Objective) -> bool:
    if name not in registry.names():
        return False
    return objective in registry.entry(name).objectives and _takes(name, needed)


def _has_room(name: str, form: Arrays, objective: Objective) -> bool:
    """True if memory holds the tails to all ends that count."""
    if name not in GRAPH_SEARCHES:
        return True
    return len(form.job) * len(sinks(form, objective).from_us) <= MOST_TAILS

"""Answers of solvers, compared with the truth: a list of complaints, best empty."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from scheduler.model.checker import ViolationKind, check
from scheduler.model.errors import InvalidProblem
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result, Schedule, Status
from scheduler.portfolio import solve
from scheduler.portfolio.rebasing import expect_countable, offset, rebased
from scheduler.solvers import registry
from scheduler.solvers.arrays import fits_nowhere
from scheduler.solvers.bounding import lower_bound
from scheduler.solvers.features import features
from scheduler.solvers.registry import SolverKind
from scheduler.solvers.search import WORK_PER_S, Search
from scheduler.solvers.translating import arrays, schedule_of
from tests.scheduler.fuzz.brute import Optimum, optimum
from tests.scheduler.fuzz.cases import Case
from tests.scheduler.fuzz.worth import faults, value, values

AUTO, MILP = "auto", "milp"
ENOUGH = Limits(time_s=300, deterministic_s=1.0)
"""For a proof; a hundred times what most of these problems take."""
PATIENCE = Limits(time_s=600, deterministic_s=60.0)
"""For a proof that `ENOUGH` was too little for: setups on one machine took 9 of these seconds."""
SHORT = Limits(time_s=300, deterministic_s=0.004)
FAR_US = 2**49
"""Some 18 years."""
PROVERS = (AUTO, *registry.names(SolverKind.EXACT))
SEARCHERS = registry.names(SolverKind.IMPROVEMENT)


@dataclass
class Verdict:
    """The complaints, and a digest of all answers that must agree between runs.

    SCIP's are judged but not compared: it may prove or not within the same number of nodes.
    """

    complaints: list[str] = field(default_factory=list)
    digest: str = ""
    too_large: bool = False


def judged(case: Case, solvers: Sequence[str], seed: int = 0) -> Verdict:
    """Ask the bounds, all heuristics and those solvers. Whatever is raised is a complaint, too."""
    best = optimum(case.problem, case.objective)
    if best is None:
        return Verdict(too_large=True)
    found, answers = list(_checkers(case, best, seed)), []
    for name in ("heuristics", *solvers):
        try:
            if name == "heuristics":
                found += _heuristics(case, best)
            elif _suits(case, name):
                answer = _asked(case, name, seed)
                if name != MILP:
                    answers.append(
                        (name, answer.status, answer.value, answer.bound, answer.schedule)
                    )
                found += [f"{name}: {complaint}" for complaint in _answer(case, best, name, answer)]
        except Exception as error:
            if isinstance(error, InvalidProblem) and _reaches_far(case):
                continue  # A law: weights times such spans are more than can be added up.
            found.append(f"{name}: {type(error).__name__}: {error}")
    digest = hashlib.sha256(repr(answers).encode()).hexdigest()[:16]
    return Verdict(found, digest)


def solvers_for(number: int, *, thorough: bool = False) -> tuple[str, ...]:
    """Solvers asked a question: a prover and a searcher in turns, or all provers and a searcher."""
    provers = PROVERS if thorough else (PROVERS[number % len(PROVERS)],)
    # Turns of their own, so that each question of a kind comes to each of them.
    return (*provers, SEARCHERS[number // len(PROVERS) % len(SEARCHERS)])


def _suits(case: Case, name: str) -> bool:
    """True if a solver may be asked that."""
    if name == AUTO:
        return True
    entry = registry.entry(name)
    proves = entry.kind is not SolverKind.EXACT or case.objective in entry.objectives
    return proves and features(arrays(case.problem)) <= entry.features


def _asked(case: Case, name: str, seed: int) -> Result:
    if name not in PROVERS:
        return _solved(case, name, SHORT, seed)
    answer = _solved(case, name, ENOUGH, seed)
    is_open = answer.status in {Status.FEASIBLE, Status.LIMIT}
    if is_open and not _may_be_open(case, name, answer):
        return _solved(case, name, PATIENCE, seed)
    return answer


def _solved(case: Case, name: str, limits: Limits, seed: int) -> Result:
    return solve(
        case.problem,
        name,
        limits,
        seed,
        objective=case.objective,
        warm_start=case.warm_start,
    )


def _forgives(case: Case) -> bool:
    return case.objective is Objective.DEADLINE_MISSES


def _answer(case: Case, best: Optimum, name: str, answer: Result) -> Iterator[str]:
    """Judge an answer of the portfolio."""
    says = f"{answer.status.value} {answer.value} bound {answer.bound}"
    least = best.values[0] if best.schedule is not None else None
    if answer.schedule is None:
        if answer.status in {Status.OPTIMAL, Status.FEASIBLE}:
            yield f"{says} without a schedule"
    else:
        is_late = answer.status is Status.LIMIT
        for fault in faults(case.problem, answer.schedule, late=_forgives(case) or is_late):
            yield f"{says}, but {fault}"
        true = value(case.problem, answer.schedule, case.objective)
        if answer.value != true:
            yield f"{says}, but the schedule is worth {true}"
        if not is_late and (least is None or true < least):
            yield f"{says}, but enumeration finds {least}"
    if least is not None and answer.bound is not None and answer.bound > least:
        yield f"{says}, but {least} is possible"
    if answer.status is Status.INFEASIBLE and least is not None:
        yield f"{says}, but {least} is possible"
    if answer.status is Status.CANCELLED:
        yield f"{says}, but nobody cancelled"
    yield from _proof(case, best, name, answer)


def _proof(case: Case, best: Optimum, name: str, answer: Result) -> Iterator[str]:
    """Want the optimum where it is claimed, and from whoever proves."""
    says = f"{answer.status.value} {answer.value}"
    if answer.statistics.get("failures"):
        yield f"{says}, but a member broke"
    if name in PROVERS:
        wanted = Status.INFEASIBLE if best.schedule is None else Status.OPTIMAL
        if answer.status is not wanted and not _may_be_open(case, name, answer):
            yield f"{says}, but with all the time it takes it is {wanted.value} {best.values}"
    if answer.bands:
        yield from _bands(case, answer)
    elif answer.status is Status.OPTIMAL and (answer.value,) != best.values:
        yield f"{says}, but the best is {best.values}"


def _may_be_open(case: Case, name: str, answer: Result) -> bool:
    """True where a prover may leave a question open.

    The mixed-integer program does where SCIP rounds too much; CP-SAT where sums of times that are
    decades apart could overflow; and a group on one device over several bands, which is not staged.
    """
    is_open = answer.status in {Status.FEASIBLE, Status.LIMIT}
    return is_open and (name == MILP or _reaches_far(case) or bool(answer.bands))


def _reaches_far(case: Case) -> bool:
    """True if dates are decades apart."""
    problem = case.problem
    dates_us = [problem.now_us, *(j.release_us for j in problem.jobs)]
    dates_us += [d for j in problem.jobs for d in (j.due_us, j.deadline_us) if d is not None]
    return max(dates_us) - min(dates_us) > FAR_US


def _bands(case: Case, answer: Result) -> Iterator[str]:
    """Hold what each band gets, and what is said of it, against the least tuple of values."""
    best = optimum(case.problem, case.objective, by_band=True)
    if best is None or best.schedule is None:
        return
    least = values(case.problem, best.schedule, case.objective)
    says = ", ".join(
        f"{b.band.name} {b.status.value} {b.value} bound {b.bound}" for b in answer.bands
    )
    if answer.schedule is not None and answer.status is not Status.LIMIT:
        got = values(case.problem, answer.schedule, case.objective)
        if any(band.value != got[band.band] for band in answer.bands):
            yield f"{says}, but the schedule gives {got}"
        if [*got.values()] < [*least.values()]:
            yield f"{says}, but enumeration finds {least}"
    for band in answer.bands:
        # Results of a band hold while the bands above have their least values.
        if band.bound is not None and band.bound > least[band.band]:
            yield f"{says}, but {least} is possible"
        if band.value != least[band.band]:
            # If another band is late, this one may have a better value than in any other plan.
            if band.status is Status.OPTIMAL and answer.status is not Status.LIMIT:
                yield f"{says}, but the best is {least}"
            break


def _heuristics(case: Case, best: Optimum) -> Iterator[str]:
    """Judge the bound, and each heuristic by itself: it may be far off, but never too good."""
    # As the portfolio asks them: times count from a moment close to all that matters.
    form, origin_us = rebased(arrays(case.problem))
    if fits_nowhere(form) or not case.problem.operations:
        return
    expect_countable(form, case.objective)
    least = best.values[0] if best.schedule is not None else None
    bound = lower_bound(form, case.objective) + offset(form, case.objective, origin_us)
    if least is not None and bound > least:
        yield f"bounding: {bound}, but {least} is possible"
    for name in registry.names(SolverKind.CONSTRUCTIVE):
        search = Search(form, lambda: 0.0, case.objective)
        registry.solver(name)(search.part(work=WORK_PER_S), 0)
        if search.infeasible and least is not None:
            yield f"{name}: infeasible, but {least} is possible"
        if search.best is not None:
            for complaint in _plan(case, least, search, origin_us):
                yield f"{name}: {complaint}"


def _plan(case: Case, least: int | None, search: Search, origin_us: int) -> Iterator[str]:
    """Judge what a solver offered to a search."""
    assert search.best is not None
    late_us, worth = search.best.score
    worth += offset(search.form, case.objective, origin_us)
    schedule = schedule_of(case.problem, search.form, search.best.solution, origin_us)
    yield from faults(case.problem, schedule, late=_forgives(case) or late_us > 0)
    true = value(case.problem, schedule, case.objective)
    if true != worth:
        yield f"says {worth}, but the schedule is worth {true}"
    if late_us == 0 and (least is None or true < least):
        yield f"{true}, but enumeration finds {least}"


def _checkers(case: Case, best: Optimum, seed: int) -> Iterator[str]:
    """Hold the model's checker against the one here, on the best schedule and on broken ones."""
    if best.schedule is None:
        return
    random = Random(seed)
    for made in (best.schedule, *(_broken(random, case.problem, best.schedule) for _ in range(4))):
        kinds = {violation.kind for violation in check(case.problem, made)}
        if _forgives(case):
            kinds -= {ViolationKind.DEADLINE}
        here = faults(case.problem, made, late=_forgives(case))
        if bool(kinds) != bool(here):
            yield f"checker: {sorted(kinds)}, here: {here}, of {made.assignments}"


def _broken(random: Random, problem: Problem, schedule: Schedule) -> Schedule:
    """The schedule with some operations moved by a little, or to another mode."""
    placed = list(schedule.assignments)
    for _ in range(random.randint(1, 2)):
        i = random.randrange(len(placed))
        operation = problem.operation(placed[i].operation)
        mode = random.randrange(len(operation.modes))
        start_us = max(placed[i].start_us + random.randint(-3, 3), 0)
        placed[i] = replace(
            placed[i],
            mode=mode,
            machine=operation.modes[mode].machine,
            start_us=start_us,
            end_us=start_us + operation.modes[mode].duration_us,
        )
    return Schedule(assignments=tuple(placed))

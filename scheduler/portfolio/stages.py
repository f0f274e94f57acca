"""Strict bands: one search after another, each with the plans of the more urgent bands fixed.

Then, while there is time, a proof band by band over all plans: the values of the more urgent bands
are fixed, and not their plans.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.model.schedule import TracePoint
from scheduler.portfolio.bands import Proofs, ending, outlasted
from scheduler.portfolio.closing import Closing, reserved
from scheduler.portfolio.exploring import (
    Exploration,
    Request,
    Start,
    explore,
    heuristics,
)
from scheduler.portfolio.lanes import Failure, attempt
from scheduler.portfolio.members import AUTO, EXACT, has_time, missing_data, steps_each
from scheduler.portfolio.progress import SearchProgress
from scheduler.portfolio.restricting import Mask, Part, for_band, restricted, spares_setups
from scheduler.solvers import registry
from scheduler.solvers.arrays import OPEN, Arrays, Solution
from scheduler.solvers.bounding import lower_bound
from scheduler.solvers.kernels.serial.evaluation import CODES, score
from scheduler.solvers.registry import SolverKind
from scheduler.solvers.search import Found, Search


def explore_by_band(
    request: Request, form: Arrays, start: Start, *, time_s: float, work: float
) -> Exploration:
    """Search band by band. The plan of a higher band is fixed before a lower one is searched.

    Band before band, the answer is at least as good as each heuristic's plan of the whole.
    """
    answer = Search(form, request.clock, request.objective)
    request.cancel.watch(answer)
    if start.bound is not None:
        answer.raise_bound(start.bound(answer.stop_flag))
    limited = answer.part(time_s=time_s, work=work)
    failures: list[Failure] = []
    closes = request.solver in (AUTO, EXACT.name)
    proofs = Proofs(form, request.objective, request.origin_us, answer.stop_flag)
    plans = [Found((0, 0), solution, by) for solution, by in start.solutions]
    plans += _whole_plans(request, answer, limited, failures)
    if not answer.stop_flag[0] and not _is_settled(request, form):
        share = 1 - reserved(form) if closes else 1.0
        staging = limited.part(
            time_s=limited.remaining_s * share, work=limited.remaining_work * share
        )
        staged = _Staging(request, answer, staging, failures, proofs).plan(plans)
        plans += [staged] if staged is not None else []
    best = min(plans, key=lambda found: proofs.worth(found.solution), default=None)
    met = 0 if best is None else proofs.proven(best.solution)
    if closes and not answer.infeasible:
        best, met = Closing(request, answer, limited, proofs).close(best, met)
    told = () if answer.infeasible else proofs.told(None, 0)
    if best is not None and not answer.infeasible:
        answer.offer(best.solution, best.by)
        _leave_out_repetition(answer.trace)
        told = proofs.told(best.solution, met)
    return Exploration(answer, answer.best, limited.worked, failures, told)


def open_bands(form: Arrays) -> list[int]:
    """Bands with open operations, the most urgent one first."""
    return [int(band) for band in np.unique(form.band[form.state == OPEN])]


def _whole_plans(
    request: Request, answer: Search, limited: Search, failures: list[Failure]
) -> list[Found]:
    """Plans of the whole by each heuristic; they put the bands first by themselves."""
    found: list[Found] = []
    now, then = heuristics(answer.form, request.solver)
    for name in (*now, *then):
        if answer.stop_flag[0] or (name in then and not limited.spend(steps_each(answer.form))):
            break
        if name in then and not has_time(limited, name):
            continue
        search = Search(answer.form, request.clock, request.objective)
        attempt(search, name, request.seed, failures)
        if search.infeasible:
            answer.refute()
        if search.best is not None:
            found.append(search.best)
    return found


def _is_settled(request: Request, form: Arrays) -> bool:
    """True if the answer is chosen among plans of heuristics only.

    This is so if a heuristic was asked for, and if a colocation group spans bands: the plan of the
    higher band could leave the rest of the group no device.
    """
    if request.solver in registry.names(SolverKind.CONSTRUCTIVE):
        return True
    pairs = np.unique(np.stack([form.group, form.band])[:, form.group >= 0], axis=1)
    return len(np.unique(pairs[0])) < len(pairs[0])


@dataclass
class _Staging:
    """Sequence of searches, one per band."""

    request: Request
    answer: Search
    limited: Search
    failures: list[Failure]
    proofs: Proofs

    def plan(self, known: Sequence[Found]) -> Found | None:
        """Plan all bands; `None` if one has no plan, given those of the bands above."""
        form = self.answer.form
        bands, is_open = open_bands(form), form.state == OPEN
        plan = Solution(form.mode_first[:-1].copy(), form.frozen_start_us.copy())
        fixed, by = np.zeros(len(is_open), bool), ""
        for band in bands:
            inside = (form.band <= band) | ~is_open
            part = restricted(_wanted(form, band), inside, fixed, plan)
            given = [f for f in known if _agree(f.solution, plan, fixed)]
            tell = self._teller(part, plan) if band == bands[-1] else _keep_silent
            stage = self._explored(part, given, band, tell)
            if not fixed.any() and not spares_setups(form, inside):
                self._take_proofs(stage, band)
            if stage.best is None or self.answer.infeasible:
                return None
            part.into(plan, stage.best.solution)
            fixed, by = inside & is_open, stage.best.by
        return Found((0, 0), plan, by)

    def _explored(
        self, part: Part, given: Sequence[Found], band: int, tell: Callable[[Search], None]
    ) -> Exploration:
        form = self.answer.form
        to_come = (form.state == OPEN) & (form.band >= band)
        share = float((form.band[to_come] == band).mean())
        objective, small = _objective(self.request, part.form), part.form
        if objective is Objective.MAKESPAN and outlasted(small, band):
            objective, small = Objective.MAX_LATENESS, ending(small, band)
        bound = partial(lower_bound, small, objective)
        stage = explore(
            replace(self.request, objective=objective),
            small,
            Start(bound=bound, solutions=tuple((part.of(f.solution), f.by) for f in given)),
            time_s=self.limited.remaining_s * share,
            work=self.limited.remaining_work * share,
            tell=tell,
        )
        self.limited.spend(stage.worked)
        self.failures += stage.failures
        return stage

    def _teller(self, part: Part, plan: Solution) -> Callable[[Search], None]:
        """Listener that turns improvements of the last stage into those of the whole."""
        answer, listener = self.answer, self.request.listener

        def tell(search: Search) -> None:
            best = search.best
            if best is None:
                return
            whole = Solution(plan.mode.copy(), plan.start_us.copy())
            part.into(whole, best.solution)
            _, value = score(answer.form, *whole, CODES[answer.objective])
            answer.trace.append(TracePoint(time_s=answer.elapsed_s, value=int(value)))
            _leave_out_repetition(answer.trace)
            if listener is not None:
                listener(
                    SearchProgress(
                        elapsed_s=answer.elapsed_s,
                        value=self.request.told(int(value)),
                        bound=self.request.told(answer.bound),
                        found_by=best.by,
                        claimed_by=answer.claimed_by,
                    )
                )

        return tell

    def _take_proofs(self, stage: Exploration, band: int) -> None:
        """Keep the proofs of the first stage, which alone is free of earlier choices."""
        search, answer = stage.search, self.answer
        if search.infeasible:
            answer.refute(claimed_by=search.claimed_by)
        share = self.proofs.shares[0]
        if search.bound is None:
            return
        # A stage without due dates minimises its makespan, at times as a lateness (`ending`).
        asked = _objective(self.request, for_band(answer.form, band))
        if search.objective is asked is self.request.objective:
            if search.confirmed_bound is not None:
                answer.raise_bound(search.confirmed_bound)
            answer.raise_bound(search.bound, claimed_by=search.claimed_by)
        # The energy includes predecessors in other bands; the makespan is its own (`outlasted`).
        same = {share.want.objective, Objective.MAKESPAN if share.is_makespan else None}
        if share.band == band and search.objective in same - {Objective.ENERGY}:
            self.proofs.raise_bound(0, search.bound, claimed_by=search.claimed_by)


def _leave_out_repetition(trace: list[TracePoint]) -> None:
    """Drop the last point if it improves nothing: a raised bound, or a plan taken over."""
    if len(trace) > 1 and trace[-1].value >= trace[-2].value:
        trace.pop()


def _keep_silent(search: Search) -> None:
    """Listener that stays silent, because a plan of some bands is none yet."""


def _wanted(form: Arrays, band: int) -> Arrays:
    """Form for the search of a band; its energy is that of all operations it plans."""
    return for_band(form, band)._replace(mode_energy_uj=form.mode_energy_uj)


def _objective(request: Request, form: Arrays) -> Objective:
    """Objective of the request; the makespan if a stage has no data for it."""
    present = form._replace(
        job_due_us=form.job_due_us[form.job], job_deadline_us=form.job_deadline_us[form.job]
    )
    return Objective.MAKESPAN if missing_data(present, request.objective) else request.objective


def _agree(one: Solution, other: Solution, where: Mask) -> bool:
    same_modes = np.array_equal(one.mode[where], other.mode[where])
    return same_modes and np.array_equal(one.start_us[where], other.start_us[where])

"""CP-SAT on all bands at once: the best value of one band while those above it keep theirs.

The lexicographic method: band by band, with a constraint on the value of each that came before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import Arrays, Solution
from scheduler.solvers.exact.constraints import constrained
from scheduler.solvers.exact.cp_model import Interrupted, Model, Values
from scheduler.solvers.exact.cp_objectives import SumTooLarge, cost
from scheduler.solvers.exact.cp_sat import is_unwritable
from scheduler.solvers.exact.engine import Effort, Outcome, run
from scheduler.solvers.exact.frame import (
    Frame,
    framed,
    frozen_overruns_us,
    latest_completions,
    least_completions,
)
from scheduler.solvers.kernels.bounds import margins
from scheduler.solvers.search import Search
from scheduler.solvers.wanting import Want


def best_beside(
    search: Search,
    seed: int,
    want: Want,
    *,
    above: Sequence[tuple[Want, int]],
    known: Solution | None,
    taken: Callable[[Solution], None],
) -> Outcome | None:
    """Look for the best value of a band, and prove it; `None` if the model is too large.

    Parameters
    ----------
    above
        Wants of the more urgent bands, and the values they keep.
    known
        A plan in which the bands above have these values.
    taken
        Told of each plan that is found.

    References
    ----------
    Isermann (1982), doi:10.1007/BF01782758: the lexicographic method.
    """
    form, soft = search.form, want.objective is Objective.DEADLINE_MISSES
    frame = _frame(form, above, known, soft=soft)
    if is_unwritable(form, frame) or (not soft and frozen_overruns_us(form).any()):
        return None
    try:
        model = constrained(form, frame, soft=soft, stopped=lambda: bool(search.stop_flag[0]))
        for other, most in above:
            expression, offset = cost(_of(model, other), other.objective)
            model.cp.add(expression <= most - offset)
        expression, offset = cost(_of(model, want), want.objective)
    except (Interrupted, SumTooLarge):
        return None
    model.cp.minimize(expression)
    if known is not None:
        model.hint(known)

    def found(values: Values) -> None:
        taken(model.solution(values))

    outcome = run(model, search, seed, Effort(), taken=found)
    bound = None if outcome.bound is None else outcome.bound + offset
    return Outcome(outcome.status, bound, outcome.deterministic_s)


def _of(model: Model, want: Want) -> Model:
    """View of the same variables with the dates and weights of one band."""
    view = copy(model)
    view.form = want.form
    return view


def _frame(
    form: Arrays, above: Sequence[tuple[Want, int]], known: Solution | None, *, soft: bool
) -> Frame:
    horizon_us = int(margins.horizon(form))
    if known is not None:
        horizon_us = max(horizon_us, int((known.start_us + form.mode_us[known.mode]).max()))
    latest_us = np.full(len(form.job_due_us), horizon_us, np.int64)
    least_us = least_completions(form)
    for want, most in above:
        latest = latest_completions(want.form, want.objective, most, least_us)
        latest_us = np.minimum(latest_us, latest)
    return framed(form, latest_us[form.job], horizon_us, soft=soft)

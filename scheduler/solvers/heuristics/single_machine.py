"""Everything on one machine or device: the plan of a user who does not schedule at all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.arrays import Arrays, Int
from scheduler.solvers.heuristics.building import Construction, construct
from scheduler.solvers.heuristics.choices import ELSEWHERE
from scheduler.solvers.heuristics.priorities import order_by, upward_ranks
from scheduler.solvers.kernels.timeline.drafts import Draft
from scheduler.solvers.kernels.timeline.listing import list_schedule
from scheduler.solvers.search import Search

Float = NDArray[np.float64]


def best_single_machine(search: Search, seed: int) -> None:
    """Offer, per machine and per device of several, a plan that keeps all possible work there.

    The order is that of upward ranks, and gaps are filled. Operations without a mode there go where
    they finish earliest. Places with the least work come first. Deterministic: the seed is unused.
    """
    form = search.form
    order = order_by(form, upward_ranks(form))

    def at(there: NDArray[np.bool_]) -> Construction:
        penalty = np.where(there, 0.0, ELSEWHERE)

        def build(w: Draft) -> int:
            return int(list_schedule(form, w, order, penalty, False, False, search.stop_flag))

        return build

    construct(search, "best_single_machine", *(at(there) for there in _places(form)))


def _places(form: Arrays) -> Iterator[NDArray[np.bool_]]:
    """Mask of modes per machine, and per device with several machines; the fastest place first."""
    if not len(form.mode_machine):
        yield np.zeros(0, bool)
        return
    device = form.machine_device[form.mode_machine]
    lanes = np.bincount(form.machine_device)
    machines = len(form.machine_device)
    own, shared = _costs(form, form.mode_machine), _costs(form, device)[: len(lanes)]
    costs = np.concatenate([own, shared])
    for place in np.argsort(costs, kind="stable").tolist():
        if place < machines:
            yield form.mode_machine == place
        elif lanes[place - machines] > 1:
            yield device == place - machines


def _costs(form: Arrays, where: Int) -> Float:
    """Busy time per place; a missing mode counts as a very long one."""
    places = len(form.machine_device)
    missing = len(form.state) - np.bincount(where, minlength=places)
    return np.bincount(where, form.mode_us, minlength=places) + ELSEWHERE * missing

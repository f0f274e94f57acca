"""A draft that Python can drive, operation by operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.model.problem import Problem
from scheduler.solvers.kernels.compiling import kernel, wide
from scheduler.solvers.kernels.timeline.timelines import draft, earliest_start, lift, place, reset
from scheduler.solvers.translating import arrays

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays
    from scheduler.solvers.kernels.timeline.drafts import Draft

RESET, EARLIEST, APPEND, PLACE, LIFT = range(5)


@kernel
def _act(a: Arrays, w: Draft, what: int, i: int, k: int, number: int) -> int:
    if what == RESET:
        reset(a, w)
    elif what == PLACE:
        place(a, w, i, k, number)
    elif what == LIFT:
        lift(a, w, i, number)
    else:
        return earliest_start(a, w, i, k, what == APPEND)
    return wide(0)


class Placing:
    """Drives the kernels of `timelines` on one problem."""

    def __init__(self, problem: Problem) -> None:
        self.form = arrays(problem)
        self.draft = draft(self.form)
        self.reset()

    def reset(self) -> None:
        _act(self.form, self.draft, RESET, 0, 0, 0)

    def modes(self, i: int) -> range:
        return range(int(self.form.mode_first[i]), int(self.form.mode_first[i + 1]))

    def earliest(self, i: int, k: int, *, append: bool = False) -> int:
        return int(_act(self.form, self.draft, APPEND if append else EARLIEST, i, k, 0))

    def place(self, i: int, k: int, start_us: int) -> None:
        _act(self.form, self.draft, PLACE, i, k, start_us)

    def lift(self, i: int, last_us: int) -> None:
        _act(self.form, self.draft, LIFT, i, 0, last_us)

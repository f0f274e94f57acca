"""Simulated annealing: a walk that accepts worse plans, with falling probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel
from scheduler.solvers.kernels.randomness import State, uniform
from scheduler.solvers.kernels.serial.choosing import Choices, repair
from scheduler.solvers.kernels.serial.decoding import Decoder, copy, decode, settle
from scheduler.solvers.kernels.serial.evaluation import MAKESPAN
from scheduler.solvers.kernels.serial.moves import Chain, propose, trace_back
from scheduler.solvers.kernels.serial.valuing import value

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Long
    from scheduler.solvers.kernels.serial.records import Records, Rows

_NEVER_US = 2**62
_RETRACE = 16
"""Rejected moves after which another critical chain is traced."""
_REPAIRS = 12
"""Tries to repair the modes of a move: with tight budgets, one change has to pay for another."""
_SAMPLE = 32
"""Moves sampled to estimate the typical change of a score."""


class AnnealingWalk(NamedTuple):
    """State of a walk.

    Parameters
    ----------
    now, trial, best, spare
        Plans: the present one, the next on trial, the best so far, and room for a repair.
    worth
        ``[plan, part]``: the score of each of the three.
    scale
        Mean change of either part of a score by a move.
    chain
        Critical chain of the present plan, from which moves are drawn.
    room
        Scratch array of `valuing.value`.
    """

    now: Records
    trial: Records
    best: Records
    spare: Records
    worth: Long
    scale: NDArray[np.float64]
    chain: Chain
    room: Long


@kernel
def calibrate(
    a: Rows,
    d: Decoder,
    c: Choices,
    w: AnnealingWalk,
    objective: int,
    rng: State,
    stop: NDArray[np.int8],
) -> None:
    """Estimate the scale of changes around the present plan."""
    totals, counts = np.zeros(2), np.zeros(2)
    trace_back(a, w.now, objective, w.chain, rng)
    for _ in range(_SAMPLE):
        copy(w.now, w.trial)
        if not propose(a, c, w.trial, w.chain, rng):
            continue
        if not repair(a, c, w.trial, w.spare, rng, _REPAIRS, stop):
            continue
        if not decode(a, d, w.trial, _NEVER_US, stop):
            break
        late_us, worth = value(a, w.room, w.trial, objective)
        for part, change in ((0, late_us - w.worth[0, 0]), (1, worth - w.worth[0, 1])):
            if change != 0:
                totals[part] += abs(change)
                counts[part] += 1
    w.scale[:] = np.maximum(totals / np.maximum(counts, 1), 1.0)


@kernel
def anneal(
    a: Rows,
    d: Decoder,
    c: Choices,
    w: AnnealingWalk,
    objective: int,
    heat: NDArray[np.float64],
    moves: int,
    rng: State,
    stop: NDArray[np.int8],
) -> int:
    """Walk for a number of moves, and return how many were made.

    `heat` holds the temperature, in units of the scale, and the factor it falls by per move. At
    zero only moves that make nothing worse are accepted.
    """
    trace_back(a, w.now, objective, w.chain, rng)
    for move in range(moves):
        if stop[0]:
            return move
        if move % _RETRACE == _RETRACE - 1:
            trace_back(a, w.now, objective, w.chain, rng)
        slack = -heat[0] * np.log(1.0 - uniform(rng))
        heat[0] *= heat[1]
        copy(w.now, w.trial)
        if not propose(a, c, w.trial, w.chain, rng):
            continue
        if not repair(a, c, w.trial, w.spare, rng, _REPAIRS, stop):
            continue
        if _try(a, d, w, objective, slack, stop):
            settle(w.trial, False)
            copy(w.trial, w.now)
            w.worth[0, 0], w.worth[0, 1] = w.worth[1, 0], w.worth[1, 1]
            trace_back(a, w.now, objective, w.chain, rng)
            keep(w)
    return moves


@kernel
def _try(
    a: Rows, d: Decoder, w: AnnealingWalk, objective: int, slack: float, stop: NDArray[np.int8]
) -> bool:
    """Decode the trial; true if it is worse than the present plan by no more than the slack."""
    limit_us = _NEVER_US
    if objective == MAKESPAN and w.worth[0, 0] == 0:
        limit_us = w.worth[0, 1] + int(slack * w.scale[1])
    if not decode(a, d, w.trial, limit_us, stop):
        return False
    w.worth[1, 0], w.worth[1, 1] = value(a, w.room, w.trial, objective)
    part = 0 if w.worth[1, 0] != w.worth[0, 0] else 1
    return bool(w.worth[1, part] - w.worth[0, part] <= slack * w.scale[part])


@kernel
def keep(w: AnnealingWalk) -> None:
    """Remember the present plan if it is the best."""
    late_us, best_late_us = w.worth[0, 0], w.worth[2, 0]
    if late_us < best_late_us or (late_us == best_late_us and w.worth[0, 1] < w.worth[2, 1]):
        copy(w.now, w.best)
        w.worth[2, 0], w.worth[2, 1] = late_us, w.worth[0, 1]

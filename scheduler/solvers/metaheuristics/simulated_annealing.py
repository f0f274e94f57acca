"""Simulated annealing over orders and modes: for every objective and every kind of problem."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.kernels.randomness import State, seeded
from scheduler.solvers.kernels.serial.annealing import AnnealingWalk, anneal, calibrate
from scheduler.solvers.kernels.serial.evaluation import CODES
from scheduler.solvers.kernels.serial.records import Rows
from scheduler.solvers.kernels.serial.valuing import value
from scheduler.solvers.metaheuristics.serial import (
    Bench,
    at_a_time,
    begin,
    bench,
    solution,
    solvable,
    steps_per_plan,
    walk_room,
)
from scheduler.solvers.search import Search

NAME = "simulated_annealing"
_HOT, _COLD = 0.5, 0.02
"""Temperatures at the start and the end of a cycle, in units of the mean change of a move."""
_FIRST_CYCLE = 20
"""Moves per operation in the first cycle; each next one has twice as many."""


def simulated_annealing(search: Search, seed: int) -> None:
    """Improve a plan by small changes of order and modes, hot at first, then ever colder.

    Each cycle cools down from the same temperature, twice as slowly as the one before, and begins
    with the best plan known.

    References
    ----------
    van Laarhoven, Aarts and Lenstra (1992), doi:10.1287/opre.40.1.113, for job shops. Departures:
    a plan is an order and modes that a serial decoder turns into times, as Bouleimen and Lecocq
    (2003), doi:10.1016/S0377-2217(02)00761-0, do for projects. So any change is a valid move, and
    the value is exact. Temperatures are relative to the mean change of moves; cooling is repeated.
    """
    if not solvable(search.form):
        return
    room, rng = bench(search.form), seeded(seed)
    walk = walk_room(room)
    moves = _FIRST_CYCLE * len(search.form.state)
    while search.spend():
        if not begin(search, room, walk.now, rng):
            return
        _settle_in(search, walk, room.rows)
        search.offer(solution(walk.now), NAME)
        _cycle(search, room, walk, moves, rng)
        moves *= 2


def _settle_in(search: Search, walk: AnnealingWalk, rows: Rows) -> None:
    walk.worth[:] = value(rows, walk.room, walk.now, CODES[search.objective])
    walk.best[:] = walk.now


def _cycle(search: Search, room: Bench, walk: AnnealingWalk, moves: int, rng: State) -> None:
    objective, stop = CODES[search.objective], search.stop_flag
    means = room.rows, room.decoder, room.choices
    calibrate(*means, walk, objective, rng, stop)
    heat = np.array([_HOT, (_COLD / _HOT) ** (1.0 / moves)])
    steps = steps_per_plan(search.form)
    at_once = at_a_time(search, steps)
    while moves > 0:
        worth = tuple(walk.worth[2])
        some = min(moves, at_once)
        done = anneal(*means, walk, objective, heat, some, rng, stop)
        if tuple(walk.worth[2]) < worth:
            search.offer(solution(walk.best), NAME)
        if not search.spend(max(1, done) * steps):
            return
        moves -= at_once

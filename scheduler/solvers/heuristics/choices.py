"""Choice of machine in a list scheduler: a cost added to the finish of each mode."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.arrays import OPEN, Arrays, Int
from scheduler.solvers.heuristics.priorities import mean_transfers, order_by, path_ranks
from scheduler.solvers.kernels.bounds.ranking import optimistic_costs, quicker_modes

Float = NDArray[np.float64]

ELSEWHERE = 2.0**50
"""Cost above any finish in microseconds: such a mode is taken only if there is no other."""


def earliest_finish(form: Arrays) -> Float:
    """No cost: the mode that finishes earliest."""
    return np.empty(0)


def earliest_end(form: Arrays) -> Float:
    """Optimistic cost after a mode: the mode with the earliest possible end of the graph (PEFT)."""
    return optimistic_costs(form, mean_transfers(form))


def fastest(form: Arrays) -> Float:
    """A cost per quicker mode that no load outweighs; ties to the earlier mode."""
    penalty = quicker_modes(form.mode_first, form.mode_us).astype(np.float64)
    penalty *= ELSEWHERE
    return penalty


def taking_turns(form: Arrays) -> Float:
    """Next machine after the previous operation's, among those with a mode for it."""
    machines = len(form.machine_device)
    penalty = np.zeros(len(form.mode_us))
    turn = 0
    for i in order_by(form, np.zeros(len(form.state))).tolist():
        modes = slice(form.mode_first[i], form.mode_first[i + 1])
        if form.state[i] != OPEN or modes.start == modes.stop:
            continue
        waits = (form.mode_machine[modes] - turn) % machines
        penalty[modes] = ELSEWHERE * waits
        turn = (turn + int(waits.min()) + 1) % machines
    return penalty


def critical_machine(form: Arrays) -> Float:
    """One machine for the whole critical path, any machine for other operations (CPOP)."""
    path = critical_path(form, path_ranks(form))
    machines = len(form.machine_device)
    able, work_us = np.zeros(machines), np.zeros(machines)
    for i in path:
        modes = slice(form.mode_first[i], form.mode_first[i + 1])
        best_us = np.full(machines, np.inf)
        np.minimum.at(best_us, form.mode_machine[modes], form.mode_us[modes])
        able += best_us < np.inf
        work_us += np.where(best_us < np.inf, best_us, 0.0)
    if not path:
        return np.empty(0)
    # Among machines that can run most of the path, the one that needs least time for it.
    chosen = int(np.lexsort((work_us, -able))[0])
    owner = np.repeat(np.arange(len(form.state)), np.diff(form.mode_first))
    on_path = np.isin(owner, path)
    return np.where(on_path & (form.mode_machine != chosen), ELSEWHERE, 0.0)


def critical_path(form: Arrays, ranks: Float) -> list[int]:
    """Path from the first operation of the largest rank, always on to the target of the largest."""
    is_open = form.state == OPEN
    heads = np.flatnonzero(is_open)
    if not len(heads):
        return []
    waits = np.zeros(len(ranks), bool)
    targets = np.repeat(np.arange(len(ranks)), np.diff(form.source_first))
    waits[targets[is_open[form.source_op]]] = True
    heads = heads[~waits[heads]]
    path = [int(heads[np.argmax(ranks[heads])])]
    while True:
        i = path[-1]
        found: Int = form.target_op[form.target_first[i] : form.target_first[i + 1]]
        if not len(found):
            return path
        path.append(int(found[np.argmax(ranks[found])]))

"""Clusters of operations, each for one machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.arrays import Arrays, Int
from scheduler.solvers.heuristics.choices import ELSEWHERE
from scheduler.solvers.heuristics.priorities import (
    mean_durations,
    mean_transfers,
    order_by,
    path_ranks,
)
from scheduler.solvers.kernels.bounds.clustering import dominant_sequences

Float = NDArray[np.float64]


def own_cluster(form: Arrays) -> Float:
    """Choice that keeps each operation on the machine of its cluster."""
    home = _homes(form, _clusters(form))
    owner = np.repeat(np.arange(len(form.state)), np.diff(form.mode_first))
    return np.where(form.mode_machine == home[owner], 0.0, ELSEWHERE)


def _clusters(form: Arrays) -> Int:
    order = order_by(form, path_ranks(form))
    own, edge = mean_durations(form), mean_transfers(form)
    first, op, through = form.source_first, form.source_op, form.source_edge
    return dominant_sequences(order, first, op, through, own, edge)


def _homes(form: Arrays, cluster: Int) -> Int:
    """Machine per operation: clusters with the most work first, each to the least loaded machine.

    A machine without modes for the whole cluster is taken only if no machine has them.
    """
    work_us = np.bincount(cluster, mean_durations(form), minlength=len(cluster))
    members = np.argsort(cluster, kind="stable")
    first = np.searchsorted(cluster[members], np.arange(len(cluster) + 1))
    load_us = np.zeros(len(form.machine_device))
    home = np.zeros(len(cluster), np.int32)
    for c in np.argsort(-work_us, kind="stable").tolist():
        inside = members[first[c] : first[c + 1]]
        if len(inside):
            needed_us, lacking = _needs(form, inside.tolist())
            home[inside] = chosen = int(np.lexsort((load_us + needed_us, lacking))[0])
            load_us[chosen] += needed_us[chosen]
    return home


def _needs(form: Arrays, inside: list[int]) -> tuple[Float, Float]:
    """Per machine, time of the operations it has modes for, and the number it has none for."""
    machines = len(form.machine_device)
    needed_us, lacking = np.zeros(machines), np.zeros(machines)
    for i in inside:
        modes = slice(form.mode_first[i], form.mode_first[i + 1])
        best_us = np.full(machines, np.inf)
        np.minimum.at(best_us, form.mode_machine[modes], form.mode_us[modes])
        lacking += best_us == np.inf
        needed_us += np.where(best_us < np.inf, best_us, 0.0)
    return needed_us, lacking

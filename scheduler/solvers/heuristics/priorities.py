"""Priorities of list schedulers: a number per operation, the largest first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.arrays import NEVER_US, Arrays, Int
from scheduler.solvers.kernels.bounds import means
from scheduler.solvers.kernels.bounds.ranking import downward, optimistic_costs, ready_order, upward

Float = NDArray[np.float64]


def order_by(form: Arrays, priority: Float, due_us: Float | None = None) -> Int:
    """Order operations by band, due date, then priority, each after its sources.

    Ties go to the operation that comes first in the topological order of the form.
    """
    due_us = np.zeros(len(priority)) if due_us is None else due_us
    first = np.lexsort((-priority[form.order], due_us[form.order], form.band[form.order]))
    by_rank = form.order[first]
    return ready_order(by_rank, form.source_first, form.target_first, form.target_op)


def mean_durations(form: Arrays) -> Float:
    """Mean over the modes of an operation, in microseconds; 0 if it has started."""
    return means.durations(form.state, form.mode_first, form.mode_us)


def mean_transfers(form: Arrays) -> Float:
    """Mean time of each edge over the pairs of distinct devices that are connected."""
    return means.transfers(form.edge_us, form.link_latency_us, form.link_rate)


def upward_ranks(form: Arrays) -> Float:
    """Longest expected path from each operation to the end, its own duration included.

    References
    ----------
    Topcuoglu, Hariri and Wu (2002), doi:10.1109/71.993206; its means run over all machines.
    """
    return _upward(form, mean_durations(form), mean_transfers(form))


def effective_dues(form: Arrays) -> Float | None:
    """Latest end of each operation that lets its job end in time; ``None`` if no job is due.

    Its successors are expected to take as long as in the upward rank. Jobs without a due date come
    last.
    """
    due_us = np.where(form.job_due_us < NEVER_US, form.job_due_us.astype(np.float64), np.inf)
    if np.isinf(due_us).all():
        return None
    return due_us[form.job] - (upward_ranks(form) - mean_durations(form))


def downward_ranks(form: Arrays) -> Float:
    """Longest expected path from the beginning to each operation, without its own duration."""
    own, edge = mean_durations(form), mean_transfers(form)
    return downward(form.order, form.source_first, form.source_op, form.source_edge, own, edge)


def path_ranks(form: Arrays) -> Float:
    """Longest expected path through each operation; the largest lie on the critical path."""
    return upward_ranks(form) + downward_ranks(form)


def static_levels(form: Arrays) -> Float:
    """Longest expected path from each operation to the end, without transfers."""
    return _upward(form, mean_durations(form), np.zeros(len(form.edge_us)))


def hop_levels(form: Arrays) -> Float:
    """Most operations on a path from each one to the end, itself included."""
    return _upward(form, np.ones(len(form.state)), np.zeros(len(form.edge_us)))


def optimistic_ranks(form: Arrays) -> Float:
    """Mean over the modes of an operation of its optimistic costs.

    References
    ----------
    Arabnejad and Barbosa (2014), doi:10.1109/TPDS.2013.57.
    """
    costs = optimistic_costs(form, mean_transfers(form))
    count = np.diff(form.mode_first)
    ranks = np.zeros(len(count))
    some = np.flatnonzero(count)
    if len(some):
        ranks[some] = np.add.reduceat(costs, form.mode_first[some]) / count[some]
    return ranks


def as_given(form: Arrays) -> Float:
    """Equal priorities: operations stay in topological order."""
    return np.zeros(len(form.state))


def _upward(form: Arrays, own: Float, edge: Float) -> Float:
    return upward(form.order, form.target_first, form.target_op, form.target_edge, own, edge)

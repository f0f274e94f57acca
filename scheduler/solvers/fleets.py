"""Fleets: problems with too many machines for a mode per operation and machine.

Machines of one kind are alike, so that a mode per kind is enough; the machine is chosen at
placement. A million operations on a thousand machines of twenty kinds then have twenty million
modes, and not a thousand million.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.model.errors import InvalidInput
from scheduler.solvers.arrays import Arrays, Int, Long
from scheduler.solvers.features import features
from scheduler.solvers.heuristics.priorities import Float, order_by
from scheduler.solvers.kernels.bounds.ranking import upward
from scheduler.solvers.kernels.fleets import FleetDraft, list_fleet
from scheduler.solvers.kernels.spans import spans
from scheduler.solvers.registry import Feature

SUPPORTED = frozenset({Feature.TRANSFERS})


class Fleet(NamedTuple):
    """A problem in arrays whose machines stand for whole kinds, and the number of each.

    Parameters
    ----------
    kinds
        The form, whose machines and devices are kinds. ``link_latency_us[k, k]`` and
        ``link_rate[k, k]`` are of the link between two distinct machines of the kind, each a device
        of its own; within a machine a transfer takes no time.
    first
        Machines of kind ``k`` are ``first[k] .. first[k + 1]``.
    """

    kinds: Arrays
    first: Int


class FleetPlan(NamedTuple):
    """Per operation, the position of its mode, its machine and its start; `STUCK` never happens."""

    mode: Int
    machine: Int
    start_us: Long


def heft_fleet(fleet: Fleet, stop: NDArray[np.int8] | None = None) -> FleetPlan | None:
    """Give each operation, in order of upward rank, the machine on which it finishes earliest.

    The plan equals that of `heuristics.ranked.heft` on all machines one by one. The time grows with
    the operations and, loosely, the machines. `None` if it was stopped.

    Raises
    ------
    InvalidInput
        If the problem has more than modes, precedence, transfers, releases, dates and bands.

    References
    ----------
    Topcuoglu, Hariri and Wu (2002), doi:10.1109/71.993206.
    """
    form = fleet.kinds
    lacking = features(form) - SUPPORTED
    if lacking or (form.link_latency_us < 0).any():
        names = ", ".join(sorted(lacking)) or "missing links"
        raise InvalidInput(f"fleet must have no features but transfers; got {names}", field="fleet")
    w = _draft(fleet)
    order = order_by(form, _upward_ranks(fleet))
    stop_flag = np.zeros(1, np.int8) if stop is None else stop
    if not list_fleet(form, fleet.first, w, order, stop_flag):
        return None
    return FleetPlan(w.mode, w.machine, w.start_us)


def least_us(fleet: Fleet) -> int:
    """Lower bound on the makespan: the longest path, or all work shared evenly."""
    form = fleet.kinds
    quickest = np.minimum.reduceat(form.mode_us, form.mode_first[:-1])
    free = np.zeros(len(form.edge_us))
    ranks = upward(
        form.order,
        form.target_first,
        form.target_op,
        form.target_edge,
        quickest.astype(np.float64),
        free,
    )
    path_us = int((ranks + form.earliest_us).max())
    return max(path_us, -int(-quickest.sum() // fleet.first[-1]))


def _draft(fleet: Fleet) -> FleetDraft:
    count, machines = len(fleet.kinds.state), int(fleet.first[-1])
    return FleetDraft(
        mode=np.full(count, -1, np.int32),
        machine=np.full(count, -1, np.int32),
        kind=np.full(count, -1, np.int32),
        start_us=np.zeros(count, np.int64),
        end_us=np.zeros(count, np.int64),
        block_us=np.zeros(machines, np.int64),
        last_us=np.full(machines, -(2**62), np.int64),
        ready_us=np.zeros(len(fleet.first) - 1, np.int64),
        spans=spans(machines, count, merged=True),
    )


def _upward_ranks(fleet: Fleet) -> Float:
    """Upward ranks by means over machines and pairs of distinct machines, each kind by its size."""
    form, many = fleet.kinds, np.diff(fleet.first).astype(np.float64)
    weight = many[form.mode_machine]
    first = form.mode_first[:-1]
    own = np.add.reduceat(form.mode_us * weight, first) / np.add.reduceat(weight, first)
    pairs = np.outer(many, many) - np.diag(many)
    edge = np.zeros(len(form.edge_us))
    if pairs.sum() > 0:
        share = np.bincount(
            form.link_rate.reshape(-1), pairs.reshape(-1), minlength=form.edge_us.shape[1]
        )
        edge += form.edge_us @ (share / pairs.sum())
        edge += (form.link_latency_us * pairs).sum() / pairs.sum()
    return upward(form.order, form.target_first, form.target_op, form.target_edge, own, edge)

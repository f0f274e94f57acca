"""Draft: the arrays of a schedule in the making, allocated once per form and used again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.ordering import history
from scheduler.solvers.kernels.spans import Spans, spans
from scheduler.solvers.kernels.timeline.domains import Domains, domains
from scheduler.solvers.kernels.timeline.steps import Steps, steps

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays

Int = NDArray[np.int32]
Long = NDArray[np.int64]
_NEVER = 2**62
_OPEN = 0


class Memory(NamedTuple):
    """Use of the memory of machines; empty where none is limited.

    Parameters
    ----------
    held_bytes, extra_bytes
        Per machine, resident bytes, and the most that an operation there needs beyond them. Started
        operations count by their resident bytes only.
    family_bytes
        ``[machine, family]``: resident bytes of each family.
    held_before, extra_before
        Per placed operation, both numbers before it was placed.
    """

    held_bytes: Long
    extra_bytes: Long
    family_bytes: Long
    held_before: Long
    extra_before: Long


class Budgets(NamedTuple):
    """Remaining budgets.

    Parameters
    ----------
    left
        Per resource, the rest if every operation not yet placed takes its least; budgets only.
    least
        ``[operation, resource]``: least demand over its modes; empty without budgets.
    """

    left: Long
    least: Long


class Draft(NamedTuple):
    """A schedule in the making, and the capacity still free. Compiled kernels take it as it is.

    Parameters
    ----------
    mode, start_us, end_us, device
        Per operation; mode and device are -1 until it is placed.
    history
        Operations that are not open, see `ordering.history`.
    last_us
        Per machine, the latest end of an operation there.
    mark
        Per placed operation, the length of the trail of domains before it was placed.
    restricted
        True if a choice of device can rule out another: colocation, or devices not connected.
    limited, spent, renewing
        True if a machine has limited memory; if there are budgets; if renewable resources.
    possible
        False if no schedule can exist: an operation has no mode or no device left, or the least
        demands exceed a budget.
    """

    mode: Int
    start_us: Long
    end_us: Long
    device: Int
    history: Int
    last_us: Long
    mark: Long
    spans: Spans
    steps: Steps
    memory: Memory
    budgets: Budgets
    domains: Domains
    restricted: bool
    limited: bool
    spent: bool
    renewing: bool
    possible: bool


def draft(a: Arrays) -> Draft:
    """Allocate a draft for a form; `timelines.reset` makes it ready."""
    n, machines, resources = len(a.state), len(a.machine_device), len(a.resource_capacity)
    renewing = bool(a.resource_renewable.any())
    budgets, affordable = _budgets(a)
    found, consistent = domains(a)
    limited = bool((a.machine_memory_bytes < _NEVER).any())
    has_modes = bool((a.mode_first[1:] > a.mode_first[:-1]).all())
    most = n + len(a.window_start_us)
    return Draft(
        mode=np.full(n, -1, np.int32),
        start_us=np.zeros(n, np.int64),
        end_us=np.zeros(n, np.int64),
        device=np.full(n, -1, np.int32),
        history=history(a.state, a.frozen_start_us, a.frozen_end_us),
        last_us=np.zeros(machines, np.int64),
        mark=np.zeros(n, np.int64),
        spans=spans(machines, most, merged=not bool(a.mode_setup_us.any())),
        steps=steps(resources if renewing else 0, n),
        memory=_memory(a) if limited else _NO_MEMORY,
        budgets=budgets,
        domains=found,
        restricted=len(found.now) > 0,
        limited=limited,
        spent=len(budgets.least) > 0,
        renewing=renewing,
        possible=consistent and has_modes and affordable,
    )


def _memory(a: Arrays) -> Memory:
    n, machines = len(a.state), len(a.machine_device)
    families = int(a.mode_family.max(initial=0)) + 1
    return Memory(
        held_bytes=np.zeros(machines, np.int64),
        extra_bytes=np.zeros(machines, np.int64),
        family_bytes=np.zeros((machines, families), np.int64),
        held_before=np.zeros(n, np.int64),
        extra_before=np.zeros(n, np.int64),
    )


_NOTHING = np.zeros(0, np.int64)
_NO_MEMORY = Memory(_NOTHING, _NOTHING, np.zeros((0, 0), np.int64), _NOTHING, _NOTHING)
"""Empty, so that all drafts can share it."""
_NO_BUDGETS = Budgets(left=_NOTHING, least=np.zeros((0, 0), np.int64))


def _budgets(a: Arrays) -> tuple[Budgets, bool]:
    """Allocate; the flag is true if the budgets cover the least demands of all open operations."""
    resources = len(a.resource_capacity)
    if not resources:
        return _NO_BUDGETS, True
    budget = a.resource_renewable == 0
    least = np.zeros((len(a.state) if budget.any() else 0, resources), np.int64)
    some = np.flatnonzero(np.diff(a.mode_first))
    if len(least) and len(some):
        table = np.zeros((len(a.mode_us), resources), np.int64)
        owner = np.repeat(np.arange(len(a.mode_us)), np.diff(a.demand_first))
        table[owner, a.demand_resource] = a.demand_amount
        least[some] = np.minimum.reduceat(table, a.mode_first[some], axis=0)
    # Started operations may have spent more than a budget had: a rest below 0 counts as 0, so that
    # operations without a demand are not refused.
    is_open = a.state[: len(least)] == _OPEN
    left = np.maximum(a.resource_capacity - least[~is_open].sum(axis=0), 0)
    affordable = bool(((least[is_open].sum(axis=0) <= left) | ~budget).all())
    return Budgets(left=np.zeros(resources, np.int64), least=least), affordable

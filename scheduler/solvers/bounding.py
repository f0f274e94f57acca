"""Lower bounds on every objective, on the array form: stronger than those of the model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import NEVER_US, OPEN, RUNNING, Arrays, Int, Long
from scheduler.solvers.kernels.bounds import reaching
from scheduler.solvers.kernels.bounds.reaching import FAR_US

Flag = NDArray[np.int8]

NEVER_STOP: Flag = np.zeros(1, np.int8)
WORK = 10_000_000
"""Array elements to read, by default: some tens of milliseconds, less for small problems."""
_OVERHEAD = 5_000
"""Fixed cost of a step, in elements."""
_SETS = 60
_ROUNDS = 100
_FAR_OFF_US = NEVER_US // 4
"""Later than any time; twice this value still fits 64 bits."""
_EXACT = 2.0**61
"""Sums up to there fit 64 bits."""


def lower_bound(
    form: Arrays,
    objective: Objective = Objective.MAKESPAN,
    stop: Flag = NEVER_STOP,
    *,
    work: int = WORK,
) -> int:
    """Give a proven lower bound on the value of every plan; 0 if there can be no plan.

    For makespan and maximum lateness: the longest of paths, of loads of machine sets and of demands
    for renewable resources, each between heads and tails. For other times: the value if each job
    ends at its earliest. For energy: the least of each operation.

    Parameters
    ----------
    stop
        Once it is not zero, the bound proven until then is returned.
    work
        Array elements to read, about. Cheaper bounds come first.

    References
    ----------
    Loads of one machine over all subsets: Carlier (1982), doi:10.1016/S0377-2217(82)80007-6; of
    parallel machines with smallest heads and tails: Carlier (1987),
    doi:10.1016/0377-2217(87)90171-8. Of unrelated machines, the dual of the linear program of
    assignments by multiplicative weights: Arora, Hazan and Kale (2012),
    doi:10.4086/toc.2012.v008a006.
    """
    if len(form.state) == 0 or (np.diff(form.mode_first) == 0).any():
        return 0
    if objective is Objective.ENERGY:
        return int(np.minimum.reduceat(form.mode_energy_uj, form.mode_first[:-1]).sum())
    head_us = reaching.heads_us(form)
    if objective not in (Objective.MAKESPAN, Objective.MAX_LATENESS):
        return _from_completions(form, head_us, objective)
    last_us = np.zeros(len(form.state), np.int64)
    if objective is Objective.MAX_LATENESS:
        due_us = form.job_due_us[form.job]
        last_us = np.where(due_us < NEVER_US, -due_us, FAR_US)
    items = _items(form, head_us, reaching.tails_us(form, last_us))
    if not FAR_US // 2 < items.longest_us < NEVER_US // 8:
        return 0
    found = chain(_resources(form, items, stop, work), _sets(form, items, stop, work))
    bound = max(chain((items.longest_us,), takewhile(lambda _: not stop[0], found)))
    return _balanced(form, items, bound, stop, work)


class _HeadsAndTails(NamedTuple):
    """Earliest starts, least durations and least times after the end.

    Parameters
    ----------
    head_us, least_us, tail_us
        Per operation by itself; an operation without duration takes no part in any load.
    mode_head_us, mode_tail_us
        The same per mode.
    longest_us
        The longest path through any operation.
    """

    head_us: Long
    least_us: Long
    tail_us: Long
    mode_head_us: Long
    mode_tail_us: Long
    longest_us: int

    def sorted(
        self, inside: NDArray[np.bool_], work: Long | None = None
    ) -> tuple[Long, Long, Long]:
        """Heads, work and tails of some operations, the longest tail first."""
        chosen = np.flatnonzero(inside)
        order = chosen[np.argsort(-self.tail_us[chosen], kind="stable")]
        amount = self.least_us if work is None else work
        return self.head_us[order], amount[order], self.tail_us[order]


def _from_completions(form: Arrays, head_us: Long, objective: Objective) -> int:
    """Value if every job ended at the earliest end that its operations allow."""
    first = form.mode_first[:-1]
    end_us = np.minimum.reduceat(head_us + form.mode_us, first)
    late_us = np.minimum.reduceat(head_us + form.mode_p95_us, first)
    started = form.state != OPEN
    end_us[started] = form.frozen_end_us[started]
    late_us = np.where(form.state < 2, np.maximum(late_us, end_us), end_us)
    if end_us.max() >= NEVER_US:
        return 0
    if objective is Objective.DEADLINE_MISSES:
        return len(np.unique(form.job[late_us > form.job_deadline_us[form.job]]))
    completion_us = np.full(len(form.job_due_us), -1, np.int64)
    np.maximum.at(completion_us, form.job, end_us)
    if objective is Objective.WEIGHTED_TARDINESS:
        completion_us -= form.job_due_us
    return int((form.job_weight * np.maximum(completion_us, 0)).sum())


def _items(form: Arrays, mode_head_us: Long, mode_tail_us: Long) -> _HeadsAndTails:
    first = form.mode_first[:-1]
    started = form.state != OPEN
    tail_us = np.minimum.reduceat(mode_tail_us, first)
    # Modes that inputs cannot reach, or whose outputs reach no target, are on no path.
    ends_us = np.minimum(mode_head_us, NEVER_US // 2) + form.mode_us
    path_us = np.minimum.reduceat(ends_us + np.minimum(mode_tail_us, NEVER_US // 4), first)
    path_us = np.where(started, form.frozen_end_us + tail_us, path_us)
    least_us = np.minimum.reduceat(form.mode_us, first)
    least_us[started] = 0
    running = form.state == RUNNING
    least_us[running] = form.frozen_end_us[running] - form.now_us
    least_us[tail_us <= FAR_US // 2] = 0
    return _HeadsAndTails(
        head_us=np.where(started, form.now_us, np.minimum.reduceat(mode_head_us, first)),
        least_us=least_us,
        tail_us=tail_us,
        mode_head_us=mode_head_us,
        mode_tail_us=mode_tail_us,
        longest_us=int(path_us.max()),
    )


def _subsets(
    heads_us: Long, work: Long, tails_us: Long, capacity: int, stop: Flag, most: int
) -> int:
    """Longest of head + work / capacity + tail over all subsets by least head and least tail.

    Parameters
    ----------
    heads_us, work, tails_us
        Of operations that share the capacity, the longest tail first.
    most
        Number of least heads that are tried.
    """
    bound = FAR_US
    least = np.unique(heads_us)
    for step in range(tried := min(len(least), max(most, 1))):
        if stop[0]:
            break
        head_us = least[step * len(least) // tried]
        inside = heads_us >= head_us
        total = np.cumsum(work[inside])
        bound = max(bound, int((head_us - (-total // capacity) + tails_us[inside]).max()))
    return bound


def _resources(form: Arrays, items: _HeadsAndTails, stop: Flag, work: int) -> Iterator[int]:
    """Bounds by renewable resources: their use, demand times duration, by unstarted operations."""
    renewable = np.flatnonzero((form.resource_renewable != 0) & (form.resource_capacity > 0))
    for r in renewable.tolist():
        amount = np.zeros(len(form.mode_us), np.int64)
        users = np.repeat(np.arange(len(amount)), np.diff(form.demand_first))
        of_it = form.demand_resource == r
        amount[users[of_it]] = form.demand_amount[of_it]
        if float(amount.max()) * float(form.mode_us.max()) * len(form.state) >= _EXACT:
            continue
        taken = np.minimum.reduceat(amount * form.mode_us, form.mode_first[:-1])
        inside = (taken > 0) & (form.state == OPEN) & (items.least_us > 0)
        if inside.any():
            most = work // ((int(inside.sum()) + _OVERHEAD) * len(renewable))
            shares = items.sorted(inside, taken)
            yield _subsets(*shares, int(form.resource_capacity[r]), stop, most)


def _sets(form: Arrays, items: _HeadsAndTails, stop: Flag, work: int) -> Iterator[int]:
    """Bounds by sets of exclusive machines: the load that operations put on each, shared evenly."""
    machines = _machine_sets(form, items, stop, work)
    for eligible in machines:
        outside = np.maximum.reduceat(~eligible[form.mode_machine], form.mode_first[:-1])
        inside = ~outside & (items.least_us > 0)
        if not inside.any():
            continue
        capacity = int(eligible.sum())
        heads_us, load_us, tails_us = items.sorted(inside)
        most = work // ((len(load_us) + _OVERHEAD) * len(machines))
        yield _subsets(heads_us, load_us, tails_us, capacity, stop, most)
        # The machines are treated as alike. One without work could take some from another, so
        # each has a first and a last operation of its own.
        used = min(capacity, len(load_us))
        total_us = load_us.sum() + np.sort(heads_us)[:used].sum() + np.sort(tails_us)[:used].sum()
        yield -(-int(total_us) // used)
        if capacity == 1:
            yield _between_windows(form, int(np.argmax(eligible)), items, inside)


def _machine_sets(
    form: Arrays, items: _HeadsAndTails, stop: Flag, work: int
) -> list[NDArray[np.bool_]]:
    """All exclusive machines, and the sets of eligible machines with the most work."""
    exclusive = form.machine_exclusive != 0
    loads_us: dict[bytes, int] = {}
    firsts, machines = form.mode_first.tolist(), form.mode_machine
    several = np.flatnonzero(items.least_us)[: work // 100].tolist()
    for i in takewhile(lambda _: not stop[0], several):
        eligible = machines[firsts[i] : firsts[i + 1]].tobytes()
        loads_us[eligible] = loads_us.get(eligible, 0) + int(items.least_us[i])
    found: dict[bytes, NDArray[np.bool_]] = {}
    if exclusive.any():
        found[exclusive.tobytes()] = exclusive
    most = min(_SETS, work // (len(machines) + _OVERHEAD))
    for eligible in sorted(loads_us, key=lambda key: -loads_us[key])[:most]:
        chosen = np.zeros(len(exclusive), np.bool_)
        chosen[np.frombuffer(eligible, machines.dtype)] = True
        if exclusive[chosen].all():
            found[chosen.tobytes()] = chosen
    return list(found.values())


def _between_windows(
    form: Arrays, machine: int, items: _HeadsAndTails, inside: NDArray[np.bool_]
) -> int:
    """Bound by the windows of one machine: all its unstarted work in the time that they leave."""
    inside = inside & (form.state == OPEN)
    windows = range(form.window_first[machine], form.window_first[machine + 1])
    if not windows or not inside.any():
        return FAR_US
    at_us, left_us = int(items.head_us[inside].min()), int(items.least_us[inside].sum())
    for w in windows:
        start_us, end_us = int(form.window_start_us[w]), int(form.window_end_us[w])
        if at_us + left_us <= start_us:
            break
        left_us -= max(0, start_us - at_us)
        at_us = max(at_us, end_us)
    return at_us + left_us + int(items.tail_us[inside].min())


def _balanced(form: Arrays, items: _HeadsAndTails, bound: int, stop: Flag, work: int) -> int:
    """Raise a bound by weights on machines: each operation goes where its weighted time is least.

    For weights that sum to one, the makespan is no less than the weighted sum over machines of
    head, load and tail, and each operation adds at least its least weighted duration.
    """
    if stop[0]:
        return bound
    counts = (form.state == OPEN) & (items.least_us > 0)
    usable = np.repeat(counts, np.diff(form.mode_first))
    machine, first = form.mode_machine, form.mode_first[:-1]
    rows = _by_machine(form, items)
    weight = (form.machine_exclusive != 0).astype(np.float64)
    duration_us = np.where(usable & (weight[machine] > 0), form.mode_us, 0).astype(np.float64)
    rounds = min(_ROUNDS, work // (8 * (len(machine) + _OVERHEAD)))
    for step in range(rounds if weight.any() else 0):
        if stop[0]:
            break
        weight /= weight.sum()
        weighed = weight[machine] * duration_us
        least = np.minimum.reduceat(weighed, first)
        chosen = np.repeat(least, np.diff(form.mode_first)) == weighed
        chosen &= weighed > 0
        if not chosen.any():
            break
        taking = np.repeat(least > 0, np.diff(form.mode_first))
        value = least.sum() + (weight * _around_us(rows, taking, bound)).sum()
        # Sums in floating point are off by a billionth at most, so the rest is rounded up.
        bound = max(bound, int(np.ceil(value - abs(value) * 1e-9 - 1e-6)))
        load_us = np.bincount(machine[chosen], duration_us[chosen], len(weight))
        weight *= np.exp((load_us / load_us.max() - 1) * 2 / (1 + step) ** 0.5)
    return bound


class _ByMachine(NamedTuple):
    """Heads and tails of all modes, grouped by machine.

    Parameters
    ----------
    mode
        Position of the mode in the form.
    machine, first
        Machines that have modes, and the first row of each.
    machines
        Number of all machines, with modes and without.
    """

    mode: NDArray[np.intp]
    head_us: Long
    tail_us: Long
    machine: Int
    first: NDArray[np.intp]
    machines: int


def _by_machine(form: Arrays, items: _HeadsAndTails) -> _ByMachine:
    mode = np.argsort(form.mode_machine, kind="stable")
    machine = form.mode_machine[mode]
    first = np.flatnonzero(np.diff(machine, prepend=-1))
    head_us = np.minimum(items.mode_head_us[mode], _FAR_OFF_US)
    tail_us = np.minimum(items.mode_tail_us[mode], _FAR_OFF_US)
    return _ByMachine(mode, head_us, tail_us, machine[first], first, len(form.machine_device))


def _around_us(rows: _ByMachine, taking: NDArray[np.bool_], bound: int) -> Long:
    """Per machine, the least head and tail over the modes that may run there.

    A machine without work counts with the bound so far, because it ends no later than the plan.

    Parameters
    ----------
    taking
        Per mode, true if its operation is placed by weight.
    """
    inside = taking[rows.mode]
    around_us = np.full(rows.machines, bound, np.int64)
    head_us = np.minimum.reduceat(np.where(inside, rows.head_us, _FAR_OFF_US), rows.first)
    tail_us = np.minimum.reduceat(np.where(inside, rows.tail_us, _FAR_OFF_US), rows.first)
    around_us[rows.machine] = np.minimum(head_us + tail_us, bound)
    return around_us

"""Heads and tails of modes: earliest start, and least time that follows, machines left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduler.solvers.kernels.compiling import kernel, lean_part, part, wide

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Long

_OPEN, _RUNNING = 0, 1
_NEVER_US = 2**62
_NONE_US = 2**63 - 1
FAR_US = -(2**60)
"""Tail of an operation that no due date waits for; it never decides a bound."""
_MOST_PAIRS = 200_000_000
"""Most pairs of modes along edges; beyond, transfers are left out. Takes about a second."""
_MOST_FAMILIES = 10_000_000


@kernel
def heads_us(a: Arrays) -> Long:
    """Earliest start of each mode, `2**62` if its inputs cannot come there.

    Inputs come from the mode and the device that deliver them first. The machine first ends its
    running work, loads a session and keeps its windows.
    """
    mode_first, mode_us, mode_machine = a.mode_first, a.mode_us, a.mode_machine
    head_us = _machine_ready_us(a)
    first_end_us = np.zeros(len(a.state), np.int64)
    end_us = np.zeros(len(mode_us), np.int64)
    moves, near = _moves(a), _near(a)
    for i in a.order:
        if a.state[i] != _OPEN:
            first_end_us[i] = a.frozen_end_us[i]
            head_us[mode_first[i]] = a.frozen_start_us[i]
            end_us[mode_first[i]] = a.frozen_end_us[i]
            continue
        ready_us = a.earliest_us[i]
        if moves:
            _await_inputs(a, i, end_us, near)
        else:
            for e in range(a.source_first[i], a.source_first[i + 1]):
                ready_us = max(ready_us, first_end_us[a.source_op[e]])
        first_end_us[i] = _NEVER_US
        for k in range(mode_first[i], mode_first[i + 1]):
            start_us = max(ready_us, head_us[k])
            if moves:
                start_us = max(start_us, near.all_us[a.machine_device[mode_machine[k]]])
            head_us[k] = _fit_us(a, mode_machine[k], start_us, mode_us[k])
            end_us[k] = head_us[k] + mode_us[k]
            first_end_us[i] = min(first_end_us[i], end_us[k])
    return head_us


@kernel
def tails_us(a: Arrays, last_us: Long) -> Long:
    """Least time between the end of each mode and the end of all.

    Parameters
    ----------
    last_us
        Per operation, the time added after its own end if it has no successor.
    """
    mode_first, mode_us = a.mode_first, a.mode_us
    tail_us = np.zeros(len(mode_us), np.int64)
    follow_us = np.zeros(len(a.state), np.int64)
    rest_of_us = np.zeros(len(mode_us), np.int64)
    moves, near = _moves(a), _near(a)
    for position in range(len(a.order) - 1, -1, -1):
        i = a.order[position]
        rest_us = last_us[i]
        if moves:
            _await_outputs(a, i, rest_of_us, near)
        else:
            for e in range(a.target_first[i], a.target_first[i + 1]):
                if a.state[a.target_op[e]] == _OPEN:
                    rest_us = max(rest_us, follow_us[a.target_op[e]])
        follow_us[i] = _NEVER_US
        for k in range(mode_first[i], mode_first[i + 1]):
            tail_us[k] = rest_us
            if moves:
                tail_us[k] = max(rest_us, near.all_us[a.machine_device[a.mode_machine[k]]])
            rest_of_us[k] = mode_us[k] + tail_us[k]
            follow_us[i] = min(follow_us[i], rest_of_us[k])
    return tail_us


@lean_part
def _fit_us(a: Arrays, machine: int, start_us: int, duration_us: int) -> int:
    """Earliest start, not before `start_us`, between the windows of a machine."""
    for w in range(a.window_first[machine], a.window_first[machine + 1]):
        if start_us + duration_us <= a.window_start_us[w]:
            break
        start_us = max(start_us, a.window_end_us[w])
    return start_us


@lean_part
def _moves(a: Arrays) -> bool:
    """True if transfers take time, and there are few enough pairs of modes to count them."""
    moved = a.edge_us.shape[1] > 1
    for here in range(len(a.link_latency_us)):
        for there in range(len(a.link_latency_us)):
            moved |= a.link_latency_us[here, there] != 0
    if not moved:
        return False
    pairs = 0
    for i in range(len(a.state)):
        modes = a.mode_first[i + 1] - a.mode_first[i]
        for e in range(a.source_first[i], a.source_first[i + 1]):
            source = a.source_op[e]
            pairs += modes * (a.mode_first[source + 1] - a.mode_first[source])
    return pairs <= _MOST_PAIRS


class _Near(NamedTuple):
    """Scratch arrays: least times per device, for one operation at a time.

    Parameters
    ----------
    least_us
        Per device, the least over one operation's modes there; `_NONE_US` without a mode.
    device, own
        Devices of the operation at the other end of an edge, and of the one at this end.
    all_us
        Per device of this end, the time by which the data of all edges can be there.
    """

    least_us: Long
    device: Long
    own: Long
    all_us: Long


@part
def _near(a: Arrays) -> _Near:
    count = len(a.link_latency_us)
    none = np.full(count, -1, np.int64)
    return _Near(np.full(count, _NONE_US, np.int64), none, none.copy(), none.copy())


@lean_part
def _await_inputs(a: Arrays, i: int, end_us: Long, n: _Near) -> None:
    """Compute the earliest time at which all inputs of an operation can be on its devices.

    Devices are compared and not modes: on a box with many machines that takes a tenth of the time.
    """
    count = _begin(a, i, n, wide(0))
    for e in range(a.source_first[i], a.source_first[i + 1]):
        others = _gather(a, a.source_op[e], end_us, n)
        for x in range(count):
            here = n.own[x]
            first_us = wide(_NEVER_US)
            for y in range(others):
                there = n.device[y]
                latency_us = a.link_latency_us[there, here]
                if latency_us >= 0:
                    moved_us = latency_us + a.edge_us[a.source_edge[e], a.link_rate[there, here]]
                    first_us = min(first_us, n.least_us[there] + moved_us)
            n.all_us[here] = max(n.all_us[here], first_us)
        _forget(n, others)


@lean_part
def _await_outputs(a: Arrays, i: int, rest_us: Long, n: _Near) -> None:
    """Compute the least time until all consumers of its output, and their successors, are done."""
    count = _begin(a, i, n, wide(FAR_US))
    for e in range(a.target_first[i], a.target_first[i + 1]):
        if a.state[a.target_op[e]] != _OPEN:
            continue
        others = _gather(a, a.target_op[e], rest_us, n)
        for x in range(count):
            here = n.own[x]
            first_us = wide(_NEVER_US)
            for y in range(others):
                there = n.device[y]
                latency_us = a.link_latency_us[here, there]
                if latency_us >= 0:
                    moved_us = latency_us + a.edge_us[a.target_edge[e], a.link_rate[here, there]]
                    first_us = min(first_us, n.least_us[there] + moved_us)
            n.all_us[here] = max(n.all_us[here], first_us)
        _forget(n, others)


@lean_part
def _begin(a: Arrays, i: int, n: _Near, at_us: int) -> int:
    """Note the devices of an operation and return their number."""
    count = wide(0)
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        n.all_us[a.machine_device[a.mode_machine[k]]] = _NEVER_US
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        device = a.machine_device[a.mode_machine[k]]
        if n.all_us[device] == _NEVER_US:
            n.all_us[device] = at_us
            n.own[count] = device
            count = wide(count + 1)
    return count


@lean_part
def _gather(a: Arrays, i: int, mode_us: Long, n: _Near) -> int:
    """Note the least over modes on each device of an operation; return the number of devices."""
    count = wide(0)
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        device = a.machine_device[a.mode_machine[k]]
        if n.least_us[device] == _NONE_US:
            n.device[count] = device
            count = wide(count + 1)
        n.least_us[device] = min(n.least_us[device], mode_us[k])
    return count


@lean_part
def _forget(n: _Near, count: int) -> None:
    for y in range(count):
        n.least_us[n.device[y]] = _NONE_US


@part
def _machine_ready_us(a: Arrays) -> Long:
    """Per mode, the earliest begin by its machine: running work ended, a cold session loaded."""
    busy_us = np.full(len(a.machine_device), a.now_us, np.int64)
    for i in range(len(a.state)):
        machine = a.mode_machine[a.mode_first[i]] if a.state[i] == _RUNNING else 0
        if a.state[i] == _RUNNING and a.machine_exclusive[machine]:
            busy_us[machine] = max(busy_us[machine], a.frozen_end_us[i])
    ready_us = busy_us[a.mode_machine]
    families = wide(0)
    for k in range(len(a.mode_us)):
        if a.mode_setup_us[k]:
            families = max(families, wide(a.mode_family[k] + 1))
    if families == 0:
        return ready_us
    if len(busy_us) * families <= _MOST_FAMILIES:
        setup_us = _first_setups_us(a, families)
        for k in range(len(ready_us)):
            if a.mode_setup_us[k]:
                ready_us[k] += setup_us[a.mode_machine[k], a.mode_family[k]]
    return ready_us


@part
def _first_setups_us(a: Arrays, families: int) -> Long:
    """Least setup before the first operation of a family per machine; 0 if one has been there."""
    setup_us = np.full((len(a.machine_device), families), _NEVER_US, np.int64)
    for i in range(len(a.state)):
        for k in range(a.mode_first[i], a.mode_first[i + 1]):
            machine, family = a.mode_machine[k], a.mode_family[k]
            if family < families:
                mine_us = a.mode_setup_us[k] if a.state[i] == _OPEN else wide(0)
                setup_us[machine, family] = min(setup_us[machine, family], mine_us)
    for machine in range(len(a.machine_family)):
        if a.machine_family[machine] < families:
            setup_us[machine, a.machine_family[machine]] = 0
    return setup_us

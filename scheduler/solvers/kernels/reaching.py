"""How early each mode can start and how much follows it, each operation seen by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduler.solvers.kernels.compiling import kernel, lean_part, part, wide

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Long

_OPEN, _RUNNING = 0, 1
_NEVER_US = 2**62
FAR_US = -(2**60)
"""A tail that counts for nothing: of what no due date waits for."""
_MOST_PAIRS = 200_000_000
"""Pairs of modes along edges beyond which transfers are left out: a second or so."""
_MOST_FAMILIES = 10_000_000


@kernel
def heads_us(a: Arrays) -> Long:
    """Earliest start of each mode, `2**62` if its inputs cannot come there.

    Inputs come from the mode and the device that deliver them first; its machine ends what runs
    there, loads a first session and keeps its windows.
    """
    mode_first, mode_us, mode_machine = a.mode_first, a.mode_us, a.mode_machine
    head_us = _machine_ready_us(a)
    first_end_us = np.zeros(len(a.state), np.int64)
    moves = _moves(a)
    for i in a.order:
        if a.state[i] != _OPEN:
            first_end_us[i] = a.frozen_end_us[i]
            head_us[mode_first[i]] = a.frozen_start_us[i]
            continue
        ready_us = a.earliest_us[i]
        if not moves:
            for e in range(a.source_first[i], a.source_first[i + 1]):
                ready_us = max(ready_us, first_end_us[a.source_op[e]])
        first_end_us[i] = _NEVER_US
        for k in range(mode_first[i], mode_first[i + 1]):
            start_us = max(ready_us, head_us[k])
            if moves:
                start_us = max(start_us, _inputs_us(a, i, k, head_us))
            head_us[k] = _fit_us(a, mode_machine[k], start_us, mode_us[k])
            first_end_us[i] = min(first_end_us[i], head_us[k] + mode_us[k])
    return head_us


@kernel
def tails_us(a: Arrays, last_us: Long) -> Long:
    """Least time between the end of each mode and the end of all.

    Parameters
    ----------
    last_us
        Per operation, what to add to its own end if nothing follows it.
    """
    mode_first, mode_us = a.mode_first, a.mode_us
    tail_us = np.zeros(len(mode_us), np.int64)
    follow_us = np.zeros(len(a.state), np.int64)
    moves = _moves(a)
    for position in range(len(a.order) - 1, -1, -1):
        i = a.order[position]
        rest_us = last_us[i]
        if not moves:
            for e in range(a.target_first[i], a.target_first[i + 1]):
                if a.state[a.target_op[e]] == _OPEN:
                    rest_us = max(rest_us, follow_us[a.target_op[e]])
        follow_us[i] = _NEVER_US
        for k in range(mode_first[i], mode_first[i + 1]):
            tail_us[k] = rest_us
            if moves:
                tail_us[k] = max(rest_us, _outputs_us(a, i, k, tail_us))
            follow_us[i] = min(follow_us[i], mode_us[k] + tail_us[k])
    return tail_us


@lean_part
def _fit_us(a: Arrays, machine: int, start_us: int, duration_us: int) -> int:
    """Earliest start from then on between the windows of a machine."""
    for w in range(a.window_first[machine], a.window_first[machine + 1]):
        if start_us + duration_us <= a.window_start_us[w]:
            break
        start_us = max(start_us, a.window_end_us[w])
    return start_us


@lean_part
def _moves(a: Arrays) -> bool:
    """Whether it takes time to move data, and not too much to find out how much."""
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


@lean_part
def _inputs_us(a: Arrays, i: int, k: int, head_us: Long) -> int:
    """When all inputs can be there at the earliest."""
    here = a.machine_device[a.mode_machine[k]]
    ready_us = wide(0)
    for e in range(a.source_first[i], a.source_first[i + 1]):
        source, edge = a.source_op[e], a.source_edge[e]
        first_us = wide(_NEVER_US)
        for j in range(a.mode_first[source], a.mode_first[source + 1]):
            there = a.machine_device[a.mode_machine[j]]
            latency_us = a.link_latency_us[there, here]
            if latency_us >= 0:
                end_us = head_us[j] + a.mode_us[j]
                if a.state[source] != _OPEN:
                    end_us = a.frozen_end_us[source]
                moved_us = latency_us + a.edge_us[edge, a.link_rate[there, here]]
                first_us = min(first_us, end_us + moved_us)
        ready_us = max(ready_us, first_us)
    return ready_us


@lean_part
def _outputs_us(a: Arrays, i: int, k: int, tail_us: Long) -> int:
    """Least time until all that wants its output is done, and what follows that."""
    here = a.machine_device[a.mode_machine[k]]
    rest_us = wide(FAR_US)
    for e in range(a.target_first[i], a.target_first[i + 1]):
        target, edge = a.target_op[e], a.target_edge[e]
        if a.state[target] != _OPEN:
            continue
        least_us = wide(_NEVER_US)
        for j in range(a.mode_first[target], a.mode_first[target + 1]):
            there = a.machine_device[a.mode_machine[j]]
            latency_us = a.link_latency_us[here, there]
            if latency_us >= 0:
                moved_us = latency_us + a.edge_us[edge, a.link_rate[here, there]]
                least_us = min(least_us, moved_us + a.mode_us[j] + tail_us[j])
        rest_us = max(rest_us, least_us)
    return rest_us


@part
def _machine_ready_us(a: Arrays) -> Long:
    """Per mode, when its machine can begin it: what runs has ended, a cold session is loaded."""
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
    """Least setup before the first of a family on each machine; 0 where one has been there."""
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

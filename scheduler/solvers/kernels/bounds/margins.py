"""Earliest and latest starts of operations, with machines left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduler.solvers.kernels.compiling import kernel

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Int, Long

_OPEN = 0
_NEVER_US = 2**62


@kernel
def transfer_us(a: Arrays, edge: int, here: int, there: int) -> int:
    """Transfer time from one device to another; -1 if they are not connected."""
    latency_us = a.link_latency_us[here, there]
    if latency_us < 0:
        return -1
    return int(latency_us + a.edge_us[edge, a.link_rate[here, there]])


@kernel
def shortest_us(a: Arrays) -> Long:
    """Duration of the quickest mode per operation; of a started one, its own."""
    found_us = np.zeros(len(a.state), np.int64)
    for i in range(len(a.state)):
        if a.state[i] != _OPEN:
            found_us[i] = a.frozen_end_us[i] - a.frozen_start_us[i]
            continue
        least_us = _NEVER_US
        for k in range(a.mode_first[i], a.mode_first[i + 1]):
            least_us = min(least_us, a.mode_us[k])
        # Without a mode there is no plan at all, and any number is a bound.
        found_us[i] = least_us if least_us < _NEVER_US else 0
    return found_us


@kernel
def least_transfers_us(a: Arrays) -> Long:
    """Shortest time that each edge may take, over pairs of modes of its two operations."""
    found_us = np.zeros(len(a.source_op), np.int64)
    if (a.link_latency_us == 0).all() and a.edge_us.shape[1] == 1:
        return found_us
    for target in range(len(a.state)):
        for e in range(a.source_first[target], a.source_first[target + 1]):
            edge = a.source_edge[e]
            found_us[edge] = _least_transfer_us(a, edge, a.source_op[e], target)
    return found_us


@kernel
def _least_transfer_us(a: Arrays, edge: int, source: int, target: int) -> int:
    least_us = _NEVER_US
    for k in range(a.mode_first[source], a.mode_first[source + 1]):
        here = a.machine_device[a.mode_machine[k]]
        for j in range(a.mode_first[target], a.mode_first[target + 1]):
            lag_us = transfer_us(a, edge, here, a.machine_device[a.mode_machine[j]])
            if 0 <= lag_us < least_us:
                least_us = lag_us
        if least_us == 0:
            break
    return least_us if least_us < _NEVER_US else 0


@kernel
def earliest_starts(a: Arrays, lasts_us: Long, transfers_us: Long) -> Long:
    """Earliest start per operation, by releases and the shortest paths that lead to it."""
    start_us = a.earliest_us.copy()
    for target in a.order:
        if a.state[target] != _OPEN:
            start_us[target] = a.frozen_start_us[target]
            continue
        for e in range(a.source_first[target], a.source_first[target + 1]):
            source = a.source_op[e]
            ready_us = start_us[source] + lasts_us[source] + transfers_us[a.source_edge[e]]
            start_us[target] = max(start_us[target], ready_us)
    return start_us


@kernel
def latest_starts(a: Arrays, lasts_us: Long, transfers_us: Long, latest_us: Long) -> Long:
    """Latest start per operation by which it and all its successors end by `latest_us`."""
    start_us = latest_us - lasts_us
    for position in range(len(a.order) - 1, -1, -1):
        source = a.order[position]
        if a.state[source] != _OPEN:
            start_us[source] = a.frozen_start_us[source]
            continue
        for e in range(a.target_first[source], a.target_first[source + 1]):
            target = a.target_op[e]
            if a.state[target] != _OPEN and a.frozen_start_us[target] < a.now_us:
                continue
            by_us = start_us[target] - transfers_us[a.target_edge[e]]
            start_us[source] = min(start_us[source], by_us - lasts_us[source])
    return start_us


@kernel
def deadline_limits(a: Arrays, latest_us: Long) -> Long:
    """Tighten latest ends so that the 95th percentile keeps the job's deadline.

    The mode with the least spread ends last, and need not be the quickest.
    """
    found_us = latest_us.copy()
    for i in range(len(a.state)):
        deadline_us = a.job_deadline_us[a.job[i]]
        if a.state[i] != _OPEN or deadline_us >= _NEVER_US:
            continue
        last_us = -_NEVER_US
        for k in range(a.mode_first[i], a.mode_first[i + 1]):
            last_us = max(last_us, deadline_us - a.mode_p95_us[k] + a.mode_us[k])
        found_us[i] = min(found_us[i], last_us)
    return found_us


@kernel
def horizon(a: Arrays) -> int:
    """Upper bound on the end of plans that never wait in vain.

    Starts at the last moment that any plan has to wait for (present, releases, windows), and adds
    the longest duration and setup of each operation and the longest transfer of each edge.
    """
    waits_us = a.now_us
    for machine_end_us in a.window_end_us:
        waits_us = max(waits_us, machine_end_us)
    total_us = 0
    for i in range(len(a.state)):
        if a.state[i] != _OPEN:
            waits_us = max(waits_us, a.frozen_end_us[i])
            continue
        waits_us = max(waits_us, a.earliest_us[i])
        longest_us = 0
        for k in range(a.mode_first[i], a.mode_first[i + 1]):
            longest_us = max(longest_us, a.mode_us[k] + a.mode_setup_us[k])
        total_us += longest_us
    if len(a.link_latency_us):
        slowest_us = a.link_latency_us.max()
        for edge in range(len(a.edge_us)):
            total_us += a.edge_us[edge].max() + slowest_us
    return waits_us + total_us


@kernel
def completions_at_least(a: Arrays, start_us: Long, lasts_us: Long) -> Long:
    """Earliest completion per job; -1 without operations."""
    found_us = np.full(len(a.job_due_us), -1, np.int64)
    for i in range(len(start_us)):
        found_us[a.job[i]] = max(found_us[a.job[i]], start_us[i] + lasts_us[i])
    return found_us


@kernel
def tails_us(a: Arrays, mode: Int, by_start: Int, following: Int) -> Long:
    """Longest chain after the end of each operation, with modes and machine orders kept.

    Parameters
    ----------
    by_start
        Open operations in order of start.
    following
        Next operation on the machine; -1 if there is none, or it does not wait.
    """
    tail_us = np.zeros(len(mode), np.int64)
    for position in range(len(by_start) - 1, -1, -1):
        i = by_start[position]
        here = a.machine_device[a.mode_machine[mode[i]]]
        longest_us = 0
        for e in range(a.target_first[i], a.target_first[i + 1]):
            target = a.target_op[e]
            there = a.machine_device[a.mode_machine[mode[target]]]
            lag_us = transfer_us(a, a.target_edge[e], here, there)
            longest_us = max(longest_us, lag_us + a.mode_us[mode[target]] + tail_us[target])
        after = following[i]
        if after >= 0:
            k = mode[after]
            gap_us = a.mode_setup_us[k] if a.mode_family[k] != a.mode_family[mode[i]] else 0
            longest_us = max(longest_us, gap_us + a.mode_us[k] + tail_us[after])
        tail_us[i] = longest_us
    return tail_us


@kernel
def respecting(a: Arrays, start_us: Long) -> Long:
    """Wanted starts, raised so that sorting by them puts each operation after its sources."""
    key_us = start_us.copy()
    for target in a.order:
        for e in range(a.source_first[target], a.source_first[target + 1]):
            key_us[target] = max(key_us[target], key_us[a.source_op[e]] + 1)
    return key_us

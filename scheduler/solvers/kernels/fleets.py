"""List scheduling on kinds of machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part, wide
from scheduler.solvers.kernels.spans import Spans, clear_spans, gap_us, take

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays

Int = NDArray[np.int32]
Long = NDArray[np.int64]
Flag = NDArray[np.int8]
_NEVER_US = 2**62


class FleetDraft(NamedTuple):
    """A plan for a fleet in the making.

    Parameters
    ----------
    mode, machine, kind, start_us, end_us
        Per operation.
    block_us, last_us
        Per machine, start and end of its last span. An operation that is ready in between waits for
        the end, and needs no search for a gap.
    ready_us
        Per kind, the time at which the present operation is ready on machines without its data.
    """

    mode: Int
    machine: Int
    kind: Int
    start_us: Long
    end_us: Long
    block_us: Long
    last_us: Long
    ready_us: Long
    spans: Spans


@kernel
def list_fleet(a: Arrays, first: Int, w: FleetDraft, order: Int, stop: Flag) -> bool:
    """Place all operations in an order, each where it finishes earliest; false if stopped."""
    clear_spans(w.spans)
    for position in range(len(order)):
        if stop[0] != 0:
            return False
        _place_earliest(a, first, w, wide(order[position]))
    return True


@lean_part
def _place_earliest(a: Arrays, first: Int, w: FleetDraft, i: int) -> None:
    _find_ready(a, w, i)
    best = best_machine = wide(-1)
    best_end_us = wide(_NEVER_US)
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        kind = a.mode_machine[k]
        for e in range(a.source_first[i], a.source_first[i + 1]):
            source = a.source_op[e]
            if w.kind[source] == kind:
                m = wide(w.machine[source])
                ready_us = _ready_beside_us(a, w, i, m, wide(kind))
                end_us = gap_us(w.spans, m, ready_us, a.mode_us[k]) + a.mode_us[k]
                if end_us < best_end_us or (end_us == best_end_us and m < best_machine):
                    best, best_machine, best_end_us = wide(k), m, end_us
        # Kinds that cannot be better are skipped.
        if w.ready_us[kind] + a.mode_us[k] > best_end_us:
            continue
        m, start_us = _earliest_of_kind(first, w, wide(kind), a.mode_us[k])
        end_us = start_us + a.mode_us[k]
        if end_us < best_end_us or (end_us == best_end_us and m < best_machine):
            best, best_machine, best_end_us = wide(k), m, end_us
    w.mode[i] = best
    w.machine[i] = best_machine
    w.kind[i] = a.mode_machine[best]
    w.start_us[i] = best_end_us - a.mode_us[best]
    w.end_us[i] = best_end_us
    take(w.spans, best_machine, i, w.start_us[i], best_end_us)
    last = w.spans.first[best_machine] + w.spans.filled[best_machine] - 1
    w.block_us[best_machine] = w.spans.start_us[last]
    w.last_us[best_machine] = w.spans.end_us[last]


@lean_part
def _find_ready(a: Arrays, w: FleetDraft, i: int) -> None:
    """Compute the ready time of an operation per kind, on machines that hold none of its data."""
    for kind in range(len(w.ready_us)):
        w.ready_us[kind] = a.earliest_us[i]
    for e in range(a.source_first[i], a.source_first[i + 1]):
        source = a.source_op[e]
        origin = w.kind[source]
        for kind in range(len(w.ready_us)):
            took_us = (
                a.link_latency_us[origin, kind]
                + a.edge_us[a.source_edge[e], a.link_rate[origin, kind]]
            )
            w.ready_us[kind] = max(w.ready_us[kind], w.end_us[source] + took_us)


@lean_part
def _ready_beside_us(a: Arrays, w: FleetDraft, i: int, m: int, kind: int) -> int:
    """Ready time of an operation on a machine that holds some of its data."""
    ready_us = a.earliest_us[i]
    for e in range(a.source_first[i], a.source_first[i + 1]):
        source = a.source_op[e]
        at_us = w.end_us[source]
        if w.machine[source] != m:
            origin = w.kind[source]
            at_us += (
                a.link_latency_us[origin, kind]
                + a.edge_us[a.source_edge[e], a.link_rate[origin, kind]]
            )
        ready_us = max(ready_us, at_us)
    return wide(ready_us)


@lean_part
def _earliest_of_kind(first: Int, w: FleetDraft, kind: int, duration_us: int) -> tuple[int, int]:
    """First machine of a kind that can start earliest, and its start."""
    ready_us = w.ready_us[kind]
    best = wide(-1)
    best_us = wide(_NEVER_US)
    for m in range(wide(first[kind]), wide(first[kind + 1])):
        if w.last_us[m] <= ready_us:
            start_us = ready_us
        elif w.block_us[m] <= ready_us:
            start_us = w.last_us[m]
        else:
            start_us = gap_us(w.spans, m, ready_us, duration_us)
        if start_us < best_us:
            best = m
            best_us = start_us
            if start_us == ready_us:
                break
    return best, best_us

"""The array form: a problem, or a solution of it, as all solvers compute with it.

Operations, machines, devices and jobs are their positions in the problem, so that no result can
depend on the hash seed or on the spelling of an id. Compiled kernels take `Arrays` as they are, so
a change here compiles them all again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int32]
Long = NDArray[np.int64]

NEVER_US = 2**62
"""Stands for no due date, no deadline, no limit; sums with any valid time fit 64 bits."""
OPEN, RUNNING, ENDED, PLANNED = 0, 1, 2, 3
"""Values of `Arrays.state`."""


class Arrays(NamedTuple):
    """A `Problem` as arrays over positions. Rows of unequal length are in compressed form.

    The row of ``i`` in ``x`` is ``x[x_first[i]:x_first[i + 1]]``. All times are microseconds from
    the origin of the problem.

    Parameters
    ----------
    state, frozen_start_us, frozen_end_us
        Per operation, `OPEN`, `RUNNING`, `ENDED` or `PLANNED`; all but open ones have one mode
        only, a start and an (expected) end. Running ones began, and ended ones ended, by now.
        Planned ones belong to a more urgent band: they have not begun, keep mode and start, and
        are judged by every rule that judges open ones.
    job, group, band
        Per operation: its job; its colocation group or -1; the most urgent band among it and all
        that wait for it.
    earliest_us
        Per operation, the later of its job's release and the present.
    order
        A topological order, ties in the order of the problem.
    mode_first
        Modes of operation ``i`` are the positions ``mode_first[i] .. mode_first[i + 1]`` of the
        arrays ``mode_*``. Modes that no memory or budget allows are left out: none may remain.
    mode_index
        Position in `Operation.modes`.
    mode_family
        Family of the session; 0 is the empty one.
    mode_setup_us
        Zero as well if a machine that keeps setups begins with this family loaded.
    mode_extra_bytes
        Peak memory of the mode beyond its resident memory.
    demand_first, demand_resource, demand_amount
        Demands per mode.
    source_first, source_op, source_edge
        Per operation, the sources of its incoming edges. `target_*` likewise for outgoing ones.
    edge_us
        ``[edge, rate]``: time of the edge's bytes at each distinct bandwidth; column 0 is zero.
    link_latency_us, link_rate
        ``[device, device]``: latency, -1 where two devices are not connected; column of `edge_us`.
    window_first, window_start_us, window_end_us
        Per machine, the spans in which it is unavailable.
    """

    now_us: int
    # operations
    state: Int
    frozen_start_us: Long
    frozen_end_us: Long
    job: Int
    group: Int
    band: Int
    earliest_us: Long
    order: Int
    # modes
    mode_first: Int
    mode_index: Int
    mode_machine: Int
    mode_us: Long
    mode_p95_us: Long
    mode_family: Int
    mode_setup_us: Long
    mode_energy_uj: Long
    mode_resident_bytes: Long
    mode_extra_bytes: Long
    demand_first: Int
    demand_resource: Int
    demand_amount: Long
    # machines
    machine_device: Int
    machine_memory_bytes: Long
    machine_family: Int
    machine_exclusive: Int
    machine_keeps: Int
    window_first: Int
    window_start_us: Long
    window_end_us: Long
    # graph
    source_first: Int
    source_op: Int
    source_edge: Int
    target_first: Int
    target_op: Int
    target_edge: Int
    edge_us: Long
    # links
    link_latency_us: Long
    link_rate: Int
    # jobs
    job_due_us: Long
    job_deadline_us: Long
    job_weight: Long
    job_band: Int
    # resources
    resource_capacity: Long
    resource_renewable: Int


class Solution(NamedTuple):
    """A complete plan: per operation, the position of its mode and its start."""

    mode: Int
    start_us: Long


def fits_nowhere(form: Arrays) -> bool:
    """True if an operation has no mode, so that no plan exists; asked before any kernel runs."""
    return bool((form.mode_first[1:] <= form.mode_first[:-1]).any())

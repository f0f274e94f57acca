"""Dynamic program over ideals: loads one device after another with the blocks between two."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part, wide
from scheduler.solvers.kernels.splitting.ideals import Lattice, is_in

Int = NDArray[np.int32]
Long = NDArray[np.int64]
Times = NDArray[np.float64]


class Cargo(NamedTuple):
    """Times and sizes of blocks, and the outputs between them.

    Parameters
    ----------
    accelerator_time, host_time, size_bytes
        Per block.
    output_first, output
        Outputs that block ``b`` writes or reads: ``output[output_first[b] : output_first[b + 1]]``.
    ends, cost
        Per output, the number of blocks that write or read it, and the cost to move it.
    """

    accelerator_time: Times
    host_time: Times
    size_bytes: Long
    output_first: Int
    output: Int
    ends: Int
    cost: Times


class Table(NamedTuple):
    """Least bottleneck of each ideal by the number of cores and accelerators used.

    Parameters
    ----------
    value
        ``[cores, accelerators, ideal]``; infinite where there is none below the threshold.
    source
        The ideal before the last device, negative (less one) if that is a core.
    rest
        Per ideal, the least time on accelerators of all blocks outside of it.
    """

    value: Times
    source: Int
    rest: Times


class IdealWalk(NamedTuple):
    """Scratch arrays of a walk through the ideals that contain one.

    Parameters
    ----------
    seen
        Per ideal, the last start of a walk that reached it; at first -1.
    at, step
        Path of the walk: ideals, and the next step to try at each.
    has, behind
        Per output, the number of its blocks on the device, and in the first ideal of the walk.
    """

    seen: Int
    at: Int
    step: Int
    has: Int
    behind: Int


class DeviceLoad(NamedTuple):
    """Load of the device: times, size, cost of outputs, and the part of that cost that is final."""

    accelerator: float
    host: float
    size: int
    cut: float
    final: float


@kernel
def relax(
    begin: int,
    lattice: Lattice,
    cargo: Cargo,
    t: Table,
    w: IdealWalk,
    memory_bytes: int,
    threshold: float,
    ratio: float,
    most_steps: int,
) -> int:
    """Load one device more from each ideal on, until steps are spent; return the next ideal.

    Every bottleneck below the threshold is found. Ideals come smaller ones first, so that all
    predecessors of one are done at its turn.

    Parameters
    ----------
    ratio
        Most accelerator time that a core saves per unit of its own time.
    """
    spent = 0
    for ideal in range(begin, len(lattice.first) - 1):
        if spent >= most_steps:
            return ideal
        spent += 1
        if _is_hopeful(t, wide(ideal), threshold, ratio):
            spent += _relax_from(wide(ideal), lattice, cargo, t, w, memory_bytes, threshold)
    return len(lattice.first) - 1


@lean_part
def _is_hopeful(t: Table, ideal: int, threshold: float, ratio: float) -> bool:
    """True if some devices hold the ideal and leave enough for the rest; forget the others."""
    cores, accelerators = t.value.shape[0] - 1, t.value.shape[1] - 1
    hope = False
    for c in range(cores + 1):
        for a in range(accelerators + 1):
            left = (accelerators - a) + (cores - c) * ratio
            if t.rest[ideal] > left * threshold:
                t.value[c, a, ideal] = np.inf
            if t.value[c, a, ideal] < np.inf:
                hope = True
    return hope


@lean_part
def _relax_from(
    ideal: int,
    lattice: Lattice,
    cargo: Cargo,
    t: Table,
    w: IdealWalk,
    memory_bytes: int,
    threshold: float,
) -> int:
    _leave_behind(ideal, lattice, cargo, w)
    load = DeviceLoad(0.0, 0.0, wide(0), 0.0, 0.0)
    depth, spent = wide(0), wide(0)
    w.at[0] = ideal
    w.step[0] = lattice.first[ideal]
    w.seen[ideal] = ideal
    while True:
        here = wide(w.at[depth])
        if w.step[depth] == lattice.first[here + 1]:
            if depth == 0:
                return spent
            depth = wide(depth - 1)
            load = _without(load, cargo, w, wide(lattice.added[w.step[depth]]))
            w.step[depth] += 1
            continue
        there = wide(lattice.reached[w.step[depth]])
        if w.seen[there] == ideal:
            w.step[depth] += 1
            continue
        w.seen[there] = ideal
        spent = wide(spent + 1)
        load = _with(load, cargo, w, wide(lattice.added[w.step[depth]]))
        fits = load.accelerator + load.final < threshold and load.size <= memory_bytes
        if fits:
            _offer(t, ideal, there, load.accelerator + load.cut, threshold)
        if load.host < threshold:
            _offer_core(t, ideal, there, load.host, threshold)
        elif not fits:
            load = _without(load, cargo, w, wide(lattice.added[w.step[depth]]))
            w.step[depth] += 1
            continue
        depth = wide(depth + 1)
        w.at[depth] = there
        w.step[depth] = lattice.first[there]


@lean_part
def _leave_behind(ideal: int, lattice: Lattice, cargo: Cargo, w: IdealWalk) -> None:
    for o in range(len(cargo.ends)):
        w.behind[o] = 0
        w.has[o] = 0
    for b in range(len(cargo.size_bytes)):
        if is_in(lattice.members, ideal, wide(b)):
            for k in range(cargo.output_first[b], cargo.output_first[b + 1]):
                w.behind[cargo.output[k]] += 1


@lean_part
def _with(load: DeviceLoad, cargo: Cargo, w: IdealWalk, b: int) -> DeviceLoad:
    cut, final = load.cut, load.final
    for k in range(cargo.output_first[b], cargo.output_first[b + 1]):
        o = cargo.output[k]
        if w.has[o] == 0:
            cut += cargo.cost[o]
            # An output with a block in the first ideal is never whole on this device.
            if w.behind[o] > 0:
                final += cargo.cost[o]
        w.has[o] += 1
        if w.has[o] == cargo.ends[o]:
            cut -= cargo.cost[o]
    return DeviceLoad(
        load.accelerator + cargo.accelerator_time[b],
        load.host + cargo.host_time[b],
        wide(load.size + cargo.size_bytes[b]),
        cut,
        final,
    )


@lean_part
def _without(load: DeviceLoad, cargo: Cargo, w: IdealWalk, b: int) -> DeviceLoad:
    cut, final = load.cut, load.final
    for k in range(cargo.output_first[b], cargo.output_first[b + 1]):
        o = cargo.output[k]
        if w.has[o] == cargo.ends[o]:
            cut += cargo.cost[o]
        w.has[o] -= 1
        if w.has[o] == 0:
            cut -= cargo.cost[o]
            if w.behind[o] > 0:
                final -= cargo.cost[o]
    return DeviceLoad(
        load.accelerator - cargo.accelerator_time[b],
        load.host - cargo.host_time[b],
        wide(load.size - cargo.size_bytes[b]),
        cut,
        final,
    )


@lean_part
def _offer(t: Table, ideal: int, there: int, load: float, threshold: float) -> None:
    if load >= threshold:
        return
    for c in range(t.value.shape[0]):
        for a in range(t.value.shape[1] - 1):
            value = max(t.value[c, a, ideal], load)
            if value < t.value[c, a + 1, there] and value < threshold:
                t.value[c, a + 1, there] = value
                t.source[c, a + 1, there] = ideal


@lean_part
def _offer_core(t: Table, ideal: int, there: int, load: float, threshold: float) -> None:
    for c in range(t.value.shape[0] - 1):
        for a in range(t.value.shape[1]):
            value = max(t.value[c, a, ideal], load)
            if value < t.value[c + 1, a, there] and value < threshold:
                t.value[c + 1, a, there] = value
                t.source[c + 1, a, there] = -ideal - 1

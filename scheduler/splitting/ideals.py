"""The lightest contiguous split, proven: a dynamic program over ideals.

An ideal holds all predecessors of its members. The difference of two nested ideals is contiguous,
so a split for the greatest load is a chain of ideals with a device for each step. Each ideal is
extended in all ways below a threshold, pruned by quantities that only grow: time, size, and
outputs with an end left behind. If no chain is found, the threshold is a bound; else the lightest
one is optimal. Thresholds rise from the bound, because low ones leave little to enumerate.

References
----------
Tarnawski et al. (2020), doi:10.48550/arXiv.2006.16423, section 5.1.1. There all pairs of ideals
are enumerated; the threshold and the pruning are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.instances.network import PlacementProblem
from scheduler.solvers.kernels.splitting.ideals import Lattice, find_ideals
from scheduler.solvers.kernels.splitting.loading import Cargo, IdealWalk, Table, relax
from scheduler.splitting.blocks import Blocks
from scheduler.splitting.bounds import rests, saving_of_a_core
from scheduler.splitting.values import ON_HOST

MOST_IDEALS = 400_000
"""About a gigabyte with 15 accelerators and 8 cores; published graphs have up to 40 000."""
MOST_STATES = 60_000_000
"""Ideals times devices: 12 bytes each."""
STEPS = 2_000_000
"""Ideals reached between looks at the clock: about 0.1 s."""

ROUNDING = 1e-9
"""Relative; sums of a few thousand times are off by less."""

Split = list[int]


@dataclass(frozen=True)
class Ideals:
    """The ideals of a network, ready to be extended."""

    placement: PlacementProblem
    blocks: Blocks
    lattice: Lattice
    cargo: Cargo

    @classmethod
    def of(cls, placement: PlacementProblem, blocks: Blocks) -> Ideals | None:
        """List the ideals; `None` if there are too many."""
        before = [sorted(blocks.graph.predecessors(b)) for b in range(len(blocks))]
        keys = np.random.default_rng(0).integers(0, 2**64, max(len(blocks), 1), np.uint64)
        states = (placement.accelerators + 1) * (placement.cores + 1)
        most = max(min(MOST_IDEALS, MOST_STATES // states), 2)
        lattice, is_whole = find_ideals(*_rows(before), keys, most)
        return cls(placement, blocks, lattice, _cargo(placement, blocks)) if is_whole else None

    def below(self, threshold: float, go_on: Callable[[], bool]) -> tuple[Split | None, bool]:
        """Find the lightest split below a threshold, if any; the flag is true if that is proven."""
        table, walk = self._table(), self._walk()
        saving = saving_of_a_core(self.placement, self.blocks)
        ideal, last = 0, len(self.lattice.members)
        while ideal < last:
            if not go_on():
                return None, False
            memory = self.placement.memory_bytes
            ideal = relax(
                ideal, self.lattice, self.cargo, table, walk, memory, threshold, saving, STEPS
            )
        return self._chain(table), True

    def _table(self) -> Table:
        count = len(self.lattice.members)
        shape = (self.placement.cores + 1, self.placement.accelerators + 1, count)
        value = np.full(shape, np.inf)
        value[0, 0, 0] = 0.0
        rest = rests(self.placement, self.blocks)
        bits = np.unpackbits(self.lattice.members.view(np.uint8), axis=1, bitorder="little")
        # Rounding may leave a small rest instead of zero.
        left = rest.sum() * (1 - ROUNDING) - bits[:, : len(rest)] @ rest
        return Table(value, np.zeros(shape, np.int32), np.maximum(left, 0.0))

    def _walk(self) -> IdealWalk:
        count, outputs = len(self.lattice.members), len(self.cargo.ends)
        depth, none = len(self.blocks) + 2, np.full(count, -1, np.int32)
        flat = [np.zeros(size, np.int32) for size in (depth, depth, outputs, outputs)]
        return IdealWalk(none, *flat)

    def _chain(self, table: Table) -> Split | None:
        accelerators, ideal = table.value.shape[1], table.value.shape[2] - 1
        found = table.value[:, :, ideal]
        if not np.isfinite(found).any():
            return None
        c, a = divmod(int(found.argmin()), accelerators)
        device = np.full(len(self.blocks), ON_HOST)
        members = self.lattice.members
        bits = np.unpackbits(members.view(np.uint8), axis=1, bitorder="little").astype(bool)
        while ideal:
            source = int(table.source[c, a, ideal])
            is_core, before = source < 0, source if source >= 0 else -source - 1
            added = (bits[ideal] & ~bits[before])[: len(device)]
            device[added] = ON_HOST + 1 - c if is_core else a - 1
            c, a = c - is_core, a - (not is_core)
            ideal = before
        return [int(device[block]) for block in self.blocks.of_node]


def _cargo(placement: PlacementProblem, blocks: Blocks) -> Cargo:
    outputs: list[list[int]] = [[] for _ in range(len(blocks))]
    for o, (ends, _) in enumerate(blocks.outputs):
        for block in ends:
            outputs[block].append(o)
    able = np.isfinite(blocks.accelerator_time)
    return Cargo(
        np.where(able, blocks.accelerator_time, 0.0),
        blocks.host_time,
        # A block that does not run on an accelerator is larger than its memory.
        np.where(able, blocks.size_bytes, placement.memory_bytes + 1),
        *_rows(outputs),
        np.array([len(ends) for ends, _ in blocks.outputs], np.int32),
        np.array([cost for _, cost in blocks.outputs], np.float64),
    )


def _rows(rows: list[list[int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    first = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int32)
    return first, np.array([each for row in rows for each in row], np.int32)

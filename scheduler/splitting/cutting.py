"""The best way to cut an order of blocks into runs, each on an accelerator of its own or the host.

A run of blocks in a topological order is contiguous, so an order cut into runs is a split that
keeps the rules. For the latency the sum over the runs is minimised, as if they ran one after
another; `scheduler.splitting.values` gives the true value, with runs that overlap. For the greatest
load the largest run counts, which is exact.

References
----------
Tarnawski et al. (2020), doi:10.48550/arXiv.2006.16423, appendix F, cuts one order greedily by
memory; its dynamic program over ideals (section 5.1.1) is in `scheduler.splitting.ideals`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.instances.network import PlacementProblem
from scheduler.splitting.blocks import Blocks
from scheduler.splitting.values import ON_HOST, topological_order

Grid = NDArray[np.float64]
"""``[first, after last]``: a quantity of the run of those blocks; infinite if it is impossible."""


def drawn_order(blocks: Blocks, rng: random.Random, *, shuffled: float) -> list[int]:
    """Topological order of blocks: depth-first, except for a share of random steps."""
    waiting = dict(blocks.graph.in_degree())
    ready = sorted(block for block, count in waiting.items() if not count)
    order = []
    while ready:
        at = rng.randrange(len(ready)) if rng.random() < shuffled else len(ready) - 1
        block = ready.pop(at)
        order.append(block)
        after = sorted(blocks.graph.successors(block))
        rng.shuffle(after)
        for target in after:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return order


def moved_order(blocks: Blocks, order: Sequence[int], rng: random.Random) -> list[int]:
    """Order with one block moved between its predecessors and successors, if it can move."""
    block = rng.choice(order)
    left = [other for other in order if other != block]
    position = {other: i for i, other in enumerate(left)}
    low = max((position[b] + 1 for b in blocks.graph.predecessors(block)), default=0)
    high = min((position[b] for b in blocks.graph.successors(block)), default=len(left))
    at = rng.randint(low, high)
    return [*left[:at], block, *left[at:]]


@dataclass(frozen=True)
class Cutter:
    """Cuts orders of the blocks of one network."""

    placement: PlacementProblem
    blocks: Blocks

    def shortest(self, order: Sequence[int]) -> list[int] | None:
        """Split with the least sum over its runs; `None` if there is none."""
        runs = _Runs(self.blocks, order, self.placement.memory_bytes)
        host = self._paths(order) if self.placement.cores else np.full(runs.shape, np.inf)
        least, links = _fold(runs.on_accelerator, host, self.placement.accelerators, None)
        return self._split(order, least, links)

    def lightest(self, order: Sequence[int]) -> list[int] | None:
        """Split with the lightest possible heaviest run; `None` if there is none."""
        runs = _Runs(self.blocks, order, self.placement.memory_bytes)
        cores = self.placement.cores
        least, links = _fold(runs.on_accelerator, runs.on_core, self.placement.accelerators, cores)
        return self._split(order, least, links)

    def _split(
        self, order: Sequence[int], least: Grid, links: NDArray[np.int64]
    ) -> list[int] | None:
        if not np.isfinite(least[-1]).any():
            return None
        many = self.placement.accelerators + 1
        device = [ON_HOST] * len(self.blocks)
        end, used = len(least) - 1, int(least[-1].argmin())
        while end:
            # A run's number counts the runs of its kind up to it.
            start, before, is_host = _step(links, end, used, many)
            number = ON_HOST - before // many if is_host else before % many
            for block in order[start:end]:
                device[block] = number
            end, used = start, before
        return [device[block] for block in self.blocks.of_node]

    def _paths(self, order: Sequence[int]) -> Grid:
        """Critical paths of runs on the host."""
        position = np.empty(len(order), np.int64)
        position[list(order)] = np.arange(len(order))
        at = position[list(self.blocks.of_node)]
        nodes, before, topological = self._nodes
        ends = np.zeros((len(nodes), len(order)))
        last = np.zeros((len(order), len(order)))
        for node in topological:
            # Per run that begins with each block, so blocks before that do not count.
            for source in before[node]:
                upto = at[source] + 1
                np.maximum(ends[node, :upto], ends[source, :upto], out=ends[node, :upto])
            ends[node, : at[node] + 1] += nodes[node]
            np.maximum(last[:, at[node]], ends[node], out=last[:, at[node]])
        found = np.full((len(order) + 1, len(order) + 1), np.inf)
        found[:-1, 1:] = np.maximum.accumulate(last, axis=1)
        found[np.tril_indices(len(order) + 1)] = np.inf
        return found

    @cached_property
    def _nodes(self) -> tuple[list[float], list[list[int]], list[int]]:
        order, before = topological_order(self.placement)
        return [node.host_time for node in self.placement.nodes], before, order


class _Runs:
    """Times, sizes and transfers of all runs of an order."""

    def __init__(self, blocks: Blocks, order: Sequence[int], memory_bytes: int) -> None:
        count = len(order)
        self.shape = (count + 1, count + 1)
        self._order = list(order)
        size = self._sums(blocks.size_bytes.astype(np.float64))
        able = np.isfinite(blocks.accelerator_time)
        alien = self._sums(np.where(able, 0.0, 1.0))
        time = self._sums(np.where(able, blocks.accelerator_time, 0.0)) + self._paid(blocks)
        empty = np.tri(count + 1, dtype=bool)
        self.on_accelerator = np.where(empty | (size > memory_bytes) | (alien > 0), np.inf, time)
        self.on_core = np.where(empty, np.inf, self._sums(blocks.host_time))

    def _sums(self, values: NDArray[np.float64]) -> Grid:
        upto = np.concatenate(([0.0], np.cumsum(values[self._order])))
        found: Grid = upto[None, :] - upto[:, None]
        return found

    def _paid(self, blocks: Blocks) -> Grid:
        """Cost of outputs that a run holds in part, summed by corners of rectangles."""
        position = np.empty(len(self._order), np.int64)
        position[self._order] = np.arange(len(self._order))
        corner = np.zeros((self.shape[0] + 1, self.shape[1] + 1))
        for ends, cost in blocks.outputs:
            at = np.sort(position[list(ends)])
            # A run has the end as its first one if it starts after the end before it.
            starts = np.concatenate(([0], at[:-1] + 1))
            np.add.at(corner, (starts, at + 1), cost)
            np.add.at(corner, (at + 1, at + 1), -cost)
            # It has all of them if it starts by the first and ends after the last.
            corner[0, at[-1] + 1] -= cost
            corner[at[0] + 1, at[-1] + 1] += cost
        found: Grid = corner.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
        return found


def _fold(
    accelerator: Grid, host: Grid, accelerators: int, cores: int | None
) -> tuple[Grid, NDArray[np.int64]]:
    """Least value of each prefix of the order by devices used, with links to trace it back.

    Without a number of cores, the host takes any number of runs, and values are summed; with one,
    each run takes a core, and the largest value counts. The link is the start of the last run,
    less the length of the order and one more if that run is on the host.
    """
    length, many = len(host), accelerators + 1
    states = many * (1 if cores is None else cores + 1)
    least = np.full((length, states), np.inf)
    links = np.zeros((length, states), np.int64)
    least[0, 0] = 0.0
    back = 0 if cores is None else many
    join = np.add if cores is None else np.maximum
    inner = np.arange(states) % many
    for end in range(1, length):
        ways = join(least[:end], accelerator[:end, end, None])
        best, first = ways.min(axis=0), ways.argmin(axis=0)
        least[end, 1:], links[end, 1:] = best[:-1], first[:-1]
        least[end, inner == 0] = np.inf
        ways = join(least[:end], host[:end, end, None])
        best, first = ways.min(axis=0), ways.argmin(axis=0)
        best, first = (np.roll(each, back) for each in (best, first))
        best[:back] = np.inf
        better = best < least[end]
        least[end, better], links[end, better] = best[better], first[better] - length
    return least, links


def _step(links: NDArray[np.int64], end: int, used: int, many: int) -> tuple[int, int, bool]:
    """Start of the last run, the devices used before it, and whether it is on the host."""
    length, states = links.shape
    link = int(links[end, used])
    if link >= 0:
        return link, used - 1, False
    return link + length, used - (many if states > many else 0), True

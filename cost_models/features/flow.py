"""Flow of work and data through the groups of a graph: paths, width, lifetimes, reuse."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from cost_models.features.costs import NEAR_BYTES, SHARED_BYTES, OperatorClass
from cost_models.features.fusion import Group
from cost_models.features.tracing import Trace

_START = -1
"""Place of all that is there before the first group."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The heaviest and the longest chain of groups, and most groups at one depth."""

    flops: int
    groups: int
    width: int


@dataclass(frozen=True, slots=True)
class Reuse:
    """Traffic of a group by the level of memory that holds it since it was last touched."""

    near: int = 0
    shared: int = 0
    memory: int = 0


def paths(trace: Trace, groups: Sequence[Group]) -> Paths:
    """Chains of dependent groups; width by depth, a lower bound of the largest antichain."""
    makers = _makers(trace, groups)
    flops: list[int] = []
    depths: list[int] = []
    for index, group in enumerate(groups):
        before = {
            makers[name]
            for member in group.members
            for name in trace.steps[member].inputs
            if makers.get(name, index) < index
        }
        flops.append(group.flops * group.runs + max((flops[i] for i in before), default=0))
        depths.append(1 + max((depths[i] for i in before), default=0))
    width = max(Counter(depths).values(), default=0)
    return Paths(max(flops, default=0), max(depths, default=0), width)


def peak_bytes(trace: Trace, groups: Sequence[Group]) -> int:
    """Most bytes of activations alive at once, when the groups run in order."""
    roots = _roots(trace)
    made = {roots.get(name, name): _START for name in trace.inputs}
    last = dict(made)
    for index, group in enumerate(groups):
        for name in group.writes:
            made.setdefault(roots.get(name, name), index)
        for member in group.members:
            for name in (*trace.steps[member].inputs, *trace.steps[member].outputs):
                last[roots.get(name, name)] = index
    for name in trace.outputs:
        last[roots.get(name, name)] = len(groups)
    changes: defaultdict[int, int] = defaultdict(int)
    for name, start in made.items():
        if name in trace.constants or name not in trace.tensors:
            continue
        changes[start] += trace.tensors[name].bytes
        changes[max(start, last.get(name, start)) + 1] -= trace.tensors[name].bytes
    return max(accumulate(changes[place] for place in sorted(changes)), default=0)


def reuse(trace: Trace, groups: Sequence[Group]) -> list[Reuse]:
    """Traffic of each group by reuse distance: bytes moved since the tensor was last touched.

    Weights are touched once a run, so their distance is the traffic of a whole run; so is that
    of the inputs, which some other thread wrote.
    """
    roots = _roots(trace)
    moved = [sum(group.reads.values()) + sum(group.writes.values()) for group in groups]
    whole = sum(moved)
    readers = _first_readers(groups, roots)
    before = [0, *accumulate(moved)]
    touched: dict[str, int] = {}
    found = []
    for index, group in enumerate(groups):
        distances = []
        for name, size in group.reads.items():
            root = roots.get(name, name)
            distances.append(
                (size, before[index + 1] - touched[root] if root in touched else whole)
            )
            touched[root] = before[index + 1]
        for name, size in group.writes.items():
            root = roots.get(name, name)
            reader = readers.get(root, len(groups) - 1)
            distances.append((size, before[max(reader, index) + 1] - before[index]))
            touched[root] = before[index]
        found.append(_by_level(distances))
    return found


def _by_level(distances: Iterable[tuple[int, int]]) -> Reuse:
    near = shared = memory = 0
    for size, distance in distances:
        if distance <= NEAR_BYTES:
            near += size
        elif distance <= SHARED_BYTES:
            shared += size
        else:
            memory += size
    return Reuse(near, shared, memory)


def _makers(trace: Trace, groups: Sequence[Group]) -> dict[str, int]:
    return {
        name: index
        for index, group in enumerate(groups)
        for member in group.members
        for name in trace.steps[member].outputs
        if name
    }


def _first_readers(groups: Sequence[Group], roots: dict[str, str]) -> dict[str, int]:
    readers: dict[str, int] = {}
    for index, group in enumerate(groups):
        for name in group.reads:
            if group.reads[name]:
                readers.setdefault(roots.get(name, name), index)
    return readers


def _roots(trace: Trace) -> dict[str, str]:
    """Memory behind each tensor that is another one under a new shape."""
    roots: dict[str, str] = {}
    for step in trace.steps:
        if step.op_class is OperatorClass.FREE and step.inputs and step.outputs:
            roots[step.outputs[0]] = roots.get(step.inputs[0], step.inputs[0])
    return roots

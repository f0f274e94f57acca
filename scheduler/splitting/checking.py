"""The independent judge of splits. Shares no code with the modules that make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from scheduler.instances.network import PlacementNode, PlacementProblem
from scheduler.model.objectives import Goal


class SplitViolationKind(StrEnum):
    """Rule that a split breaks. A closed set."""

    MISSING = "missing"
    TWICE = "twice"
    UNKNOWN = "unknown"
    DEVICE = "device"
    SUPPORT = "support"
    MEMORY = "memory"
    COLOCATION = "colocation"
    CONTIGUITY = "contiguity"


@dataclass(frozen=True, slots=True)
class SplitViolation:
    """A broken rule, and the place of it."""

    kind: SplitViolationKind
    message: str


def check(
    placement: PlacementProblem, places: Iterable[tuple[int, int]], goal: Goal
) -> tuple[SplitViolation, ...]:
    """List the rules that a split breaks.

    Parameters
    ----------
    places
        Numbers of nodes, as in the file, with the device of each: an accelerator from 0, or a
        negative number for the host. For the greatest load each core has one of its own, from -1
        down.
    """
    pairs = list(places)
    found = [*_listing(placement, [number for number, _ in pairs])]
    if found:
        return tuple(found)
    where = dict(pairs)
    found += _devices(placement, where, goal)
    found += _colours(placement, where)
    found += _memory(placement, where)
    found += _contiguity(placement, where, goal)
    return tuple(found)


def _listing(placement: PlacementProblem, numbers: list[int]) -> Iterable[SplitViolation]:
    known = {node.number for node in placement.nodes}
    count = Counter(numbers)
    for number in sorted(known - count.keys()):
        yield SplitViolation(SplitViolationKind.MISSING, f"node {number} is nowhere")
    for number in sorted(count.keys() - known):
        yield SplitViolation(SplitViolationKind.UNKNOWN, f"there is no node {number}")
    for number, times in count.items():
        if times > 1:
            yield SplitViolation(SplitViolationKind.TWICE, f"node {number} is in {times} places")


def _devices(
    placement: PlacementProblem, where: Mapping[int, int], goal: Goal
) -> Iterable[SplitViolation]:
    cores = placement.cores if goal is Goal.MAX_LOAD else min(placement.cores, 1)
    for node in placement.nodes:
        device = where[node.number]
        if not -cores <= device < placement.accelerators:
            message = f"node {node.number} is on device {device}, which is not there"
            yield SplitViolation(SplitViolationKind.DEVICE, message)
        if device >= 0 and node.accelerator_time is None:
            message = f"node {node.number} does not run on an accelerator"
            yield SplitViolation(SplitViolationKind.SUPPORT, message)


def _colours(placement: PlacementProblem, where: Mapping[int, int]) -> Iterable[SplitViolation]:
    devices: dict[int, int] = {}
    for node in placement.nodes:
        device = where[node.number]
        if node.colour is not None and devices.setdefault(node.colour, device) != device:
            message = f"node {node.number} is apart from others of colour {node.colour}"
            yield SplitViolation(SplitViolationKind.COLOCATION, message)


def _memory(placement: PlacementProblem, where: Mapping[int, int]) -> Iterable[SplitViolation]:
    held: Counter[int] = Counter()
    for node in placement.nodes:
        held[where[node.number]] += node.size_bytes
    for device, size in sorted(held.items()):
        if device >= 0 and size > placement.memory_bytes:
            message = f"accelerator {device} holds {size} of {placement.memory_bytes} bytes"
            yield SplitViolation(SplitViolationKind.MEMORY, message)


def _contiguity(
    placement: PlacementProblem, where: Mapping[int, int], goal: Goal
) -> Iterable[SplitViolation]:
    """Find devices that wait for each other in a cycle, or for themselves through others."""
    after: dict[object, set[object]] = {}
    for u, v in _waits(placement, goal):
        one, other = (_waiting(node, where[node.number], goal) for node in (u, v))
        if one != other:
            after.setdefault(one, set()).add(other)
            after.setdefault(other, set())
    while free := [place for place, later in after.items() if not later]:
        for place in free:
            del after[place]
        for later in after.values():
            later.difference_update(free)
    for place in after:
        yield SplitViolation(
            SplitViolationKind.CONTIGUITY, f"{place} waits for itself, or one that does"
        )


def _waits(
    placement: PlacementProblem, goal: Goal
) -> Iterable[tuple[PlacementNode, PlacementNode]]:
    """Pairs of nodes; the second waits for the first, in one pass through the devices."""
    nodes = placement.nodes
    forward = {node.colour for node in nodes if not node.backward} - {None}
    for u, v in ((nodes[u], nodes[v]) for u, v in placement.edges):
        if goal is Goal.LATENCY or not v.backward:
            yield u, v
        # A pipeline in training runs backwards through the same devices.
        elif u.backward and (u.colour not in forward or v.colour not in forward):
            yield v, u


def _waiting(node: PlacementNode, device: int, goal: Goal) -> str:
    """Unit that waits as a whole: an accelerator, a core of a pipeline, or else a single node."""
    if device >= 0:
        return f"accelerator {device}"
    return f"core {-device - 1}" if goal is Goal.MAX_LOAD else f"node {node.number} of the host"

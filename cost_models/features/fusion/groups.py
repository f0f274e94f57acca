"""Puts every step into a group, and counts the arithmetic and the traffic of each group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cost_models.features.fusion.patterns import EARLY, Match, match
from cost_models.features.fusion.step_graph import StepGraph
from cost_models.features.tracing import Step, Trace


@dataclass(frozen=True, slots=True)
class Group:
    """One kernel.

    Parameters
    ----------
    reads, writes
        Bytes by tensor, in one run; only of tensors that leave or enter the group.
    """

    pattern: str
    members: tuple[int, ...]
    flops: int
    runs: int
    reads: dict[str, int]
    writes: dict[str, int]


def group(trace: Trace) -> list[Group]:
    """All groups, in the order in which they can run."""
    links = StepGraph(trace)
    matches = [*_matches(links, is_early=True), *_matches(links, is_early=False)]
    alone = set(range(len(trace.steps))) - links.taken
    matches += [Match("", (index,)) for index in alone]
    # Only the last member gives something to others, so its place is a place in order.
    matches.sort(key=lambda found: max(found.members))
    return [_counted(links, found) for found in matches]


def _matches(links: StepGraph, *, is_early: bool) -> Iterable[Match]:
    for index in range(len(links.trace.steps)):
        if index in links.taken or (links.kind(index) in EARLY) is not is_early:
            continue
        found = match(links, index)
        if found is not None:
            links.taken.update(found.members)
            yield found


def _counted(links: StepGraph, found: Match) -> Group:
    members = set(found.members)
    steps = {index: links.step(index) for index in found.members}
    made = {name for step in steps.values() for name in step.outputs}
    reads: dict[str, int] = {}
    writes: dict[str, int] = {}
    for index, step in steps.items():
        # Operators that disappear into weights are not read any more.
        if index not in found.vanished or found.pattern.startswith("qdq"):
            _add_reads(step, made, reads)
        for name, size in zip(step.outputs, step.counts.writes, strict=False):
            if name and links.is_needed_outside(name, members):
                writes[name] = size
    flops = sum(step.counts.flops for index, step in steps.items() if index not in found.vanished)
    runs = steps[found.members[0]].runs
    return Group(found.pattern, found.members, flops, runs, reads, writes)


def _add_reads(step: Step, made: set[str], reads: dict[str, int]) -> None:
    for name, size in zip(step.inputs, step.counts.reads, strict=False):
        if name and name not in made:
            reads[name] = max(size, reads.get(name, 0))

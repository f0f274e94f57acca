"""Project scheduling with scarce resources: PSPLIB's `.sm` (one mode) and `.mm` (several).

Sections, each under a line with its name: ``PRECEDENCE RELATIONS`` with the successors of each
activity, ``REQUESTS/DURATIONS`` with the modes, ``RESOURCEAVAILABILITIES``. Activities count from
1; the first and the last are dummies.

All activities run on one machine that takes any number at once; renewable resources (``R``)
limit the number, and non-renewable ones (``N``) are budgets. An activity without time and budget is
left out of the problem, and the precedence through it is kept.

References
----------
Kolisch and Sprecher (1997), doi:10.1016/S0377-2217(96)00170-1.
"""

from __future__ import annotations

import re

from scheduler.instances.graphs import without
from scheduler.instances.instance import Instance
from scheduler.instances.reading import Line, integers, refuse, refuse_line, whole_unit
from scheduler.model.problem import (
    Demand,
    Edge,
    Job,
    Machine,
    Mode,
    Operation,
    Problem,
    Resource,
)

PRECEDENCE = "PRECEDENCE RELATIONS"
REQUESTS = "REQUESTS/DURATIONS"
AVAILABILITIES = "RESOURCEAVAILABILITIES"

_RESOURCE = re.compile(r"([RND])\s*(\d+)")

Ways = list[tuple[int, list[int]]]
"""Modes of an activity: duration, and demand of each resource."""


def parse(text: str, *, name: str) -> Instance:
    """Read a project.

    Raises
    ------
    InvalidInstance
        With the line and what is wrong in it.
    """
    resources = _resources(_section(text, AVAILABILITIES))
    modes_and_arcs = _precedence(_section(text, PRECEDENCE)[1:])
    ways = _requests(
        _section(text, REQUESTS)[1:], [count for count, _ in modes_and_arcs], resources
    )
    arcs = [(i, v) for i, (_, found) in enumerate(modes_and_arcs) for v in found]
    idle = {i for i, found in enumerate(ways) if _takes_nothing(found, resources)}
    kept = [i for i in range(len(ways)) if i not in idle]
    unit = whole_unit(duration for i in kept for duration, _ in ways[i])
    problem = Problem(
        machines=(Machine(id="project", exclusive=False),),
        jobs=(Job(id="project"),),
        operations=tuple(
            Operation(id=f"a{i + 1}", job="project", modes=_modes(ways[i], resources, unit))
            for i in kept
        ),
        edges=tuple(
            Edge(source=f"a{u + 1}", target=f"a{v + 1}") for u, v in sorted(without(arcs, idle))
        ),
        resources=resources,
        name=name,
    )
    return Instance(
        problem=problem,
        format="psplib",
        us_per_unit=unit,
        operation_numbers=tuple(i + 1 for i in kept),
        machine_numbers=(0,),
    )


def is_project(text: str) -> bool:
    """True if text has a line that only projects have: a ruler on top, or a title."""
    titles = tuple(map(_squeezed, (PRECEDENCE, REQUESTS, AVAILABILITIES)))
    return text.startswith("****") or any(
        _squeezed(line).startswith(titles) for line in text.split("\n") if _is_worded(line)
    )


def _is_worded(line: str) -> bool:
    """True if a line does not begin with a number, as all lines of a shop do."""
    return not line.lstrip()[:1].isdecimal()


def _squeezed(text: str) -> str:
    """A title as it is compared: files differ in its case, and in the blanks inside of it."""
    return "".join(text.split()).upper()


def _section(text: str, title: str) -> list[Line]:
    """Lines under a title, up to a line of stars; rulers and blank lines left out."""
    found: list[Line] = []
    wanted, inside = _squeezed(title), False
    number = 0
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if _squeezed(line).startswith(wanted):
            inside = True
        elif inside and line.startswith("*"):
            break
        elif inside and line and not line.startswith("-"):
            found.append((number, line))
    if len(found) < 2:
        refuse_line(number, f"wants the section {title} and rows in it before the file ends")
    return found


def _resources(section: list[Line]) -> tuple[Resource, ...]:
    (number, head), line = section[0], section[1]
    kinds = _RESOURCE.findall(head)
    if not kinds or any(kind == "D" for kind, _ in kinds):
        refuse_line(number, "wants resources of the kinds R and N", head)
    capacities = integers(line)
    if len(capacities) != len(kinds):
        refuse_line(line[0], f"wants {len(kinds)} capacities", f"{len(capacities)} numbers")
    if len(set(kinds)) < len(kinds):
        refuse_line(number, "wants each resource once", head)
    return tuple(
        Resource(id=f"{kind}{index}", capacity=capacity, renewable=kind == "R")
        for (kind, index), capacity in zip(kinds, capacities, strict=True)
    )


def _precedence(section: list[Line]) -> list[tuple[int, list[int]]]:
    """Per activity, its number of modes and its successors, counted from 0."""
    found = []
    for i, line in enumerate(section):
        values = integers(line)
        if len(values) < 3 or len(values) != 3 + values[2]:
            law = "wants an activity, its numbers of modes and successors, and the successors"
            refuse_line(line[0], law, f"{len(values)} numbers")
        if values[0] != i + 1:
            refuse_line(line[0], f"wants activity {i + 1}", values[0])
        if any(not 1 <= v <= len(section) for v in values[3:]):
            refuse_line(line[0], f"wants successors from 1 to {len(section)}", line[1])
        found.append((values[1], [v - 1 for v in values[3:]]))
    return found


def _requests(
    section: list[Line], counts: list[int], resources: tuple[Resource, ...]
) -> list[Ways]:
    """Modes per activity. Only the first line of an activity has its number."""
    found: list[Ways] = []
    rows = iter(section)
    for i, count in enumerate(counts):
        found.append([])
        for mode in range(1, count + 1):
            line = next(rows, None)
            if line is None:
                refuse_line(section[-1][0], f"wants a mode {mode} of activity {i + 1} after it")
            expected = [i + 1, mode] if mode == 1 else [mode]
            found[-1].append(_way(line, expected, len(resources)))
    line = next(rows, None)
    if line is not None:
        refuse_line(line[0], f"wants no more than the modes of {len(counts)} activities", line[1])
    if any(not ways for ways in found):
        refuse(PRECEDENCE, "wants at least 1 mode of each activity", 0)
    return found


def _way(line: Line, expected: list[int], resources: int) -> tuple[int, list[int]]:
    values = integers(line)
    at = len(expected)
    if len(values) != at + 1 + resources:
        law = f"wants {at + 1 + resources} numbers: {'activity, ' if at > 1 else ''}mode, duration"
        refuse_line(line[0], f"{law}, {resources} requests", f"{len(values)} numbers")
    if values[:at] != expected:
        what = f"activity {expected[0]}, mode 1" if at > 1 else f"mode {expected[0]}"
        refuse_line(line[0], f"wants {what}", " ".join(map(str, values[:at])))
    return values[at], values[at + 1 :]


def _takes_nothing(ways: Ways, resources: tuple[Resource, ...]) -> bool:
    """True if an activity has a mode without duration and without demand for a budget."""
    return any(
        not duration
        and not any(a for a, r in zip(amounts, resources, strict=True) if not r.renewable)
        for duration, amounts in ways
    )


def _modes(ways: Ways, resources: tuple[Resource, ...], unit: int) -> tuple[Mode, ...]:
    return tuple(
        Mode(
            machine="project",
            duration_us=max(1, duration * unit),
            demands=tuple(
                Demand(resource=resource.id, amount=amount)
                for resource, amount in zip(resources, amounts, strict=True)
                if amount
            ),
        )
        for duration, amounts in ways
    )

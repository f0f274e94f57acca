"""Flexible job shops as text, the format of Brandimarte's files and all that followed.

Whitespace-separated whole numbers. The first line has the numbers of jobs and of machines, and
sometimes the mean number of machines per operation, which is ignored. Then one line per job: the
number of operations, and per operation the number of alternatives and that many pairs of machine
and duration. Machines count from 0 or from 1: see `first_machine`.

References
----------
Brandimarte (1993), doi:10.1007/BF02023073.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, pairwise

from scheduler.instances.instance import Instance
from scheduler.instances.reading import (
    Line,
    integers,
    lines,
    machine_count,
    numbered_machines,
    refuse,
    refuse_line,
    whole_unit,
)
from scheduler.model.problem import Edge, Job, Mode, Operation, Problem

Alternatives = list[tuple[int, int]]
"""Pairs of machine and duration."""


def parse(text: str, *, name: str) -> Instance:
    r"""Read a flexible job shop.

    Raises
    ------
    InvalidInstance
        With the line and what is wrong in it.

    Examples
    --------
    >>> shop = parse("1 2\n2  1 0 3  2 0 4 1 2\n", name="tiny")
    >>> [[mode.duration_us for mode in o.modes] for o in shop.problem.operations]
    [[3], [4, 2]]
    """
    found = lines(text)
    jobs, machines = header(found)
    rows = [alternatives_of_job(line) for line in body(found, jobs)]
    numbers = [number for number, _ in found[1:]]
    first = first_machine(zip(numbers, rows, strict=True), machines, one_based=_is_fjs(name))
    return job_shop(rows, machines=machines, first=first, name=name, format="fjsp")


def _is_fjs(name: str) -> bool:
    """True if the ending tells that machines count from 1, when the numbers leave it open."""
    return name.endswith(".fjs")


def header(found: list[Line]) -> tuple[int, int]:
    """Numbers of jobs and machines, of the first line."""
    if not found:
        refuse("line 1", "wants the numbers of jobs and machines; got an empty file")
    number, text = found[0]
    words = text.split()
    if len(words) not in {2, 3}:
        refuse_line(number, "wants the numbers of jobs and machines", f"{len(words)} words")
    jobs, machines = integers((number, " ".join(words[:2])))
    return jobs, machine_count(machines, f"line {number}")


def body(found: list[Line], jobs: int) -> list[Line]:
    """Lines of the jobs, one each."""
    last = found[-1][0]
    if len(found) - 1 < jobs:
        refuse_line(
            last, f"wants {jobs} lines of jobs before the file ends", f"{len(found) - 1} lines"
        )
    if len(found) - 1 > jobs:
        refuse_line(
            found[jobs + 1][0], f"wants the end of the file after {jobs} jobs", found[jobs + 1][1]
        )
    return found[1:]


def first_machine(
    rows: Iterable[tuple[int, list[Alternatives]]], machines: int, *, one_based: bool = False
) -> int:
    """Number of the first machine, 0 or 1, as the numbers in the file allow.

    If they allow both, because neither the first nor the last machine is used, `one_based` decides.
    """
    rows = list(rows)
    used = {machine for _, row in rows for pairs in row for machine, _ in pairs}
    first = 1 if used and machines in used and 0 not in used else 0
    if one_based and 0 not in used:
        first = 1
    last = first + machines - 1
    if used and max(used) > last:
        number = next(n for n, row in rows if any(m > last for pairs in row for m, _ in pairs))
        refuse_line(number, f"wants machines from {first} to {last}", max(used))
    return first


def job_shop(
    rows: list[list[Alternatives]], *, machines: int, first: int, name: str, format: str
) -> Instance:
    """Jobs whose operations run one after another."""
    unit = whole_unit(us for row in rows for pairs in row for _, us in pairs)
    modes = iter(modes_of(chain.from_iterable(rows), first, unit))
    operations = [
        Operation(id=f"j{j}.{k}", job=f"j{j}", modes=next(modes))
        for j, row in enumerate(rows)
        for k in range(len(row))
    ]
    edges = [
        Edge(source=before.id, target=after.id)
        for before, after in pairwise(operations)
        if before.job == after.job
    ]
    problem = Problem(
        machines=numbered_machines(machines),
        jobs=tuple(Job(id=f"j{j}") for j in range(len(rows))),
        operations=tuple(operations),
        edges=tuple(edges),
        name=name,
    )
    return Instance(
        problem=problem,
        format=format,
        us_per_unit=unit,
        operation_numbers=tuple(range(len(operations))),
        machine_numbers=tuple(range(first, first + machines)),
    )


def modes_of(rows: Iterable[Alternatives], first: int, unit: int) -> list[tuple[Mode, ...]]:
    """Per operation, one mode per pair of machine and duration."""
    rows = list(rows)
    # Equal modes are one object, because a large file has few pairs and uses each of them often.
    mode = {
        (machine, duration): Mode(
            machine=f"m{machine - first}", duration_us=max(1, duration * unit)
        )
        for machine, duration in {pair for pairs in rows for pair in pairs}
    }
    return [tuple([mode[pair] for pair in pairs]) for pairs in rows]


def alternatives_of_job(line: Line) -> list[Alternatives]:
    """Per operation, its pairs of machine and duration."""
    values = integers(line)
    found: list[Alternatives] = []
    at = 1
    for _ in range(values[0]):
        pairs, at = alternatives(values, at, line[0])
        found.append(pairs)
    if at < len(values):
        law = f"wants the end of the line after {values[0]} operations"
        refuse_line(line[0], law, f"{len(values) - at} more numbers")
    return found


def alternatives(values: list[int], at: int, number: int) -> tuple[Alternatives, int]:
    """Pairs of the operation at a position of a line, and the position after them."""
    if at >= len(values):
        refuse_line(number, "wants one more operation; got the end of the line")
    count = values[at]
    if count < 1:
        refuse_line(number, "wants at least 1 alternative for each operation", count)
    pairs = values[at + 1 : at + 1 + 2 * count]
    if len(pairs) < 2 * count:
        refuse_line(number, f"wants {count} pairs of machine and duration", f"{len(pairs)} numbers")
    return list(zip(pairs[::2], pairs[1::2], strict=True)), at + 1 + 2 * count

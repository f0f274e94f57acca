"""Classic job shops as text: each operation has one machine.

Whitespace-separated whole numbers. The first line has the numbers of jobs and of machines, then
comes one line per job with a pair of machine and duration per operation, in order. Machines count
from 0 or from 1, as in flexible job shops.

Taillard's files have all durations first, a line per job under the title ``Times``, and then all
machines under the title ``Machines``, counted from 1. Seeds and bounds in their head are ignored.

References
----------
Fisher and Thompson (1963); Beasley (1990), doi:10.1057/jors.1990.166, for the form; Taillard
(1993), doi:10.1016/0377-2217(93)90182-M, for his own.
"""

from __future__ import annotations

from scheduler.instances.fjsp import Alternatives, body, first_machine, header, job_shop
from scheduler.instances.instance import Instance
from scheduler.instances.reading import Line, integers, lines, refuse_line, row


def parse(text: str, *, name: str) -> Instance:
    r"""Read a job shop.

    Raises
    ------
    InvalidInstance
        With the line and what is wrong in it.

    Examples
    --------
    >>> shop = parse("1 2\n0 3 1 2\n", name="tiny")
    >>> [(o.modes[0].machine, o.modes[0].duration_us) for o in shop.problem.operations]
    [('m0', 3), ('m1', 2)]
    """
    found = paired(lines(text))
    jobs, machines = header(found)
    rows = [_operations(line) for line in body(found, jobs)]
    numbers = [number for number, _ in found[1:]]
    first = first_machine(zip(numbers, rows, strict=True), machines)
    return job_shop(rows, machines=machines, first=first, name=name, format="jsp")


def has_titles(found: list[Line]) -> bool:
    """True if the lines have the titles of Taillard's form."""
    return {"times", "machines"} <= {line.lower() for _, line in found}


def paired(found: list[Line]) -> list[Line]:
    """Bring lines into the usual form, with pairs of machine and duration."""
    if not has_titles(found):
        return found
    (number, head), titles = found[0], [line.lower() for _, line in found]
    times, machines = titles.index("times"), titles.index("machines")
    if times > machines:
        refuse_line(found[machines][0], "wants the title Times before it")
    left, right = found[times + 1 : machines], found[machines + 1 :]
    if len(left) != len(right):
        law = f"wants as many lines under Machines as under Times, {len(left)}"
        refuse_line(found[-1][0], law, f"{len(right)} lines")
    rows = [_pairs(*each) for each in zip(left, right, strict=True)]
    return [(number, " ".join(head.split()[:2])), *rows]


def _pairs(times: Line, machines: Line) -> Line:
    wanted = row(machines, len(integers(times)), "a machine for each duration above")
    pairs = zip(wanted, integers(times), strict=True)
    return times[0], " ".join(f"{machine} {duration}" for machine, duration in pairs)


def _operations(line: Line) -> list[Alternatives]:
    values = integers(line)
    if len(values) % 2:
        refuse_line(line[0], "wants pairs of machine and duration", f"{len(values)} numbers")
    return [[pair] for pair in zip(values[::2], values[1::2], strict=True)]

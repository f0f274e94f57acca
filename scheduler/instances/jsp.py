"""Classic job shops as text: each operation has one machine.

Whitespace-separated whole numbers. The first line has the numbers of jobs and of machines, then
comes one line per job with a pair of machine and duration per operation, in order. Machines count
from 0 or from 1, as in flexible job shops.

References
----------
Fisher and Thompson (1963); Beasley (1990), doi:10.1057/jors.1990.166, for the form.
"""

from __future__ import annotations

from scheduler.instances.fjsp import Alternatives, body, first_machine, header, job_shop
from scheduler.instances.instance import Instance
from scheduler.instances.reading import Line, integers, lines, refuse_line


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
    found = lines(text)
    jobs, machines = header(found)
    rows = [_operations(line) for line in body(found, jobs)]
    numbers = [number for number, _ in found[1:]]
    first = first_machine(zip(numbers, rows, strict=True), machines)
    return job_shop(rows, machines=machines, first=first, name=name, format="jsp")


def _operations(line: Line) -> list[Alternatives]:
    values = integers(line)
    if len(values) % 2:
        refuse_line(line[0], "wants pairs of machine and duration", f"{len(values)} numbers")
    return [[pair] for pair in zip(values[::2], values[1::2], strict=True)]

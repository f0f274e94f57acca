"""Standard Task Graphs: tasks with precedence for any number of identical processors.

The first number counts the tasks without the two dummies; then comes one line per task, dummies
included: its number, its time, the number of its predecessors, and these. Lines that begin with
``#`` are comments. There is no communication, and the file does not hold the number of processors.
Tasks without duration, like the dummies, are left out; the precedence through them is kept.

References
----------
Tobita and Kasahara (2002), doi:10.1002/jos.116.
"""

from __future__ import annotations

from scheduler.instances.graphs import without
from scheduler.instances.instance import Instance
from scheduler.instances.reading import (
    Line,
    integers,
    lines,
    machine_count,
    numbered_machines,
    refuse,
    refuse_line,
    row,
)
from scheduler.model.problem import Edge, Job, Mode, Operation, Problem


def parse(text: str, *, name: str, processors: int | None) -> Instance:
    r"""Read a task graph, to run on a number of processors.

    Raises
    ------
    InvalidInstance
        With the line and what is wrong in it, or if the number of processors is missing.

    Examples
    --------
    >>> text = "2\n0 0 0\n1 3 1 0\n2 4 1 1\n3 0 1 2\n"
    >>> [edge.source for edge in parse(text, name="tiny", processors=2).problem.edges]
    ['t1']
    """
    if processors is None:
        refuse(name, "wants the number of processors, as in FILE.stg@4; got none")
    machine_count(processors, name)
    found = lines(text)
    tasks = [_task(line, i) for i, line in enumerate(_body(found))]
    arcs = [(u, v) for v, (_, before) in enumerate(tasks) for u in before]
    idle = {i for i, (time, _) in enumerate(tasks) if not time}
    kept = [i for i in range(len(tasks)) if i not in idle]
    machines = numbered_machines(processors)
    problem = Problem(
        machines=machines,
        jobs=(Job(id="graph"),),
        operations=tuple(
            Operation(
                id=f"t{i}",
                job="graph",
                modes=tuple(Mode(machine=m.id, duration_us=tasks[i][0]) for m in machines),
            )
            for i in kept
        ),
        edges=tuple(Edge(source=f"t{u}", target=f"t{v}") for u, v in sorted(without(arcs, idle))),
        name=name,
    )
    return Instance(
        problem=problem,
        format="stg",
        operation_numbers=tuple(kept),
        machine_numbers=tuple(range(processors)),
    )


def _body(found: list[Line]) -> list[Line]:
    if not found:
        refuse("line 1", "wants the number of tasks; got comments only")
    count = row(found[0], 1, "the number of tasks")[0] + 2
    if len(found) - 1 < count:
        refuse_line(found[-1][0], f"wants {count} tasks before the file ends", len(found) - 1)
    if len(found) - 1 > count:
        number, text = found[count + 1]
        refuse_line(
            number, f"wants the end of the file after {count} tasks, dummies included", text
        )
    return found[1:]


def _task(line: Line, index: int) -> tuple[int, list[int]]:
    """Time and predecessors."""
    values = integers(line)
    if len(values) < 3 or len(values) != 3 + values[2]:
        law = "wants a task, its time, its number of predecessors, and the predecessors"
        refuse_line(line[0], law, f"{len(values)} numbers")
    if values[0] != index:
        refuse_line(line[0], f"wants task {index}", values[0])
    if any(u >= index for u in values[3:]):
        refuse_line(line[0], f"wants predecessors below {index}", line[1])
    return values[1], values[3:]

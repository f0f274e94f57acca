"""Our own JSON form of a problem, as `scheduler.model.codec` defines it."""

from __future__ import annotations

import json

from scheduler.instances.instance import Instance
from scheduler.instances.reading import Node
from scheduler.model import codec
from scheduler.model.problem import Problem


def read(root: Node, *, name: str) -> Instance:
    """Read a problem; operations count in its order, machines have their ids.

    Raises
    ------
    InvalidProblem
        With the path of the offending field.
    """
    problem = codec.from_json(root.value)
    return Instance(
        problem=problem,
        format="fjord",
        unit="us",
        operation_numbers=tuple(range(len(problem.operations))),
        machine_numbers=tuple(machine.id for machine in problem.machines),
    )


def write(problem: Problem) -> str:
    r"""Write any problem in a form that `scheduler.instances.parse` reads.

    Examples
    --------
    >>> from scheduler.model.problem import Machine
    >>> write(Problem(machines=(Machine(id="cpu0"),), jobs=(), operations=()))
    '{"version": 1, "machines": [{"id": "cpu0"}], "jobs": [], "operations": []}\n'
    """
    return json.dumps(codec.to_json(problem), ensure_ascii=False, allow_nan=False) + "\n"

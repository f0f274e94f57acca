"""What ran, judged as a schedule: by the checker that judges every plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.model.checker import check
from scheduler.model.problem import Edge, Job, Machine, Mode, Operation, Problem
from scheduler.model.schedule import Assignment, Schedule


def violations(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Laws that finished runs broke: two operations at once on a machine, or one before its input.

    Parameters
    ----------
    records
        Of runs that finished, as the service sends them, with their operations.
    """
    problem, schedule = as_executed(records)
    return [str(violation) for violation in check(problem, schedule)]


def as_executed(records: Sequence[Mapping[str, Any]]) -> tuple[Problem, Schedule]:
    """Rebuild what was solved and what was run; times count from the earliest submission.

    Every operation has one mode: the machine it ran on, with the time it took there.
    """
    origin_us = min(record["submitted_us"] for record in records)
    done = [
        operation
        for record in records
        for operation in record["operations"]
        if operation["state"] == "done"
    ]
    names = {operation["operation"] for operation in done}
    problem = Problem(
        machines=tuple(Machine(id=name) for name in sorted({op["machine"] for op in done})),
        jobs=tuple(
            Job(id=record["run"], release_us=record["submitted_us"] - origin_us)
            for record in records
        ),
        operations=tuple(_operation(operation) for operation in done),
        edges=tuple(
            Edge(source=source, target=operation["operation"])
            for operation in done
            for source in operation["waits_for"]
            if source in names
        ),
    )
    return problem, Schedule(assignments=tuple(_assignment(op, origin_us) for op in done))


def _operation(record: Mapping[str, Any]) -> Operation:
    mode = Mode(machine=record["machine"], duration_us=_took_us(record))
    return Operation(id=record["operation"], job=record["run"], modes=(mode,))


def _assignment(record: Mapping[str, Any], origin_us: int) -> Assignment:
    start_us = record["started_us"] - origin_us
    return Assignment(
        operation=record["operation"],
        mode=0,
        machine=record["machine"],
        start_us=start_us,
        end_us=start_us + _took_us(record),
    )


def _took_us(record: Mapping[str, Any]) -> int:
    return max(1, int(record["ended_us"] - record["started_us"]))

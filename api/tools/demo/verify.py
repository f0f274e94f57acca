"""Runs that ended, judged as a schedule by the checker that judges every plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.model.checker import check
from scheduler.model.problem import Edge, Job, Machine, Mode, Operation, Problem
from scheduler.model.schedule import Assignment, Schedule

Json = Mapping[str, Any]


def violations(records: Sequence[Json], definition: Json) -> list[str]:
    """Laws that finished runs broke: two operations at once on a machine, or one before its input.

    Parameters
    ----------
    records
        Of runs that finished, as the service sends them, with their operations.
    definition
        Their workload, as it was posted: edges are read from there.
    """
    problem, schedule = as_executed(records, definition)
    return [str(violation) for violation in check(problem, schedule)]


def as_executed(records: Sequence[Json], definition: Json) -> tuple[Problem, Schedule]:
    """Rebuild the problem and the schedule that ran; times count from the earliest submission.

    Every operation has one mode: the machine it ran on, with the time it took there.
    """
    origin_us = min(record["submitted_us"] for record in records)
    done = [op for record in records for op in record["operations"] if op["state"] == "done"]
    problem = Problem(
        machines=tuple(Machine(id=name) for name in sorted({op["machine"] for op in done})),
        jobs=tuple(
            Job(id=record["run"], release_us=record["submitted_us"] - origin_us)
            for record in records
        ),
        operations=tuple(_operation(op) for op in done),
        edges=tuple(edge for record in records for edge in edges(record, definition)),
    )
    return problem, Schedule(assignments=tuple(_assignment(op, origin_us) for op in done))


def edges(record: Json, definition: Json) -> list[Edge]:
    """Edges of one run: producers and consumers."""
    stages = {stage["name"]: stage for stage in definition["stages"]}
    by_stage: dict[str, list[Json]] = {}
    for operation in record["operations"]:
        by_stage.setdefault(operation["stage"], []).append(operation)
    return [
        Edge(source=source["operation"], target=target["operation"])
        for target in record["operations"]
        for producer in _producers(stages[target["stage"]])
        for source in by_stage.get(producer, ())
        if _feeds(stages[producer], source, stages[target["stage"]], target)
    ]


def _producers(stage: Json) -> set[str]:
    references = [*stage["inputs"].values(), stage.get("for_each", "")]
    return {reference.partition(".")[0] for reference in references if "." in reference}


def _feeds(producer: Json, source: Json, consumer: Json, target: Json) -> bool:
    """Items of one fan-out feed each their own; otherwise everything feeds everything."""
    fan_out = producer.get("for_each")
    same_fan_out = fan_out is not None and fan_out == consumer.get("for_each")
    return not same_fan_out or bool(source["item"] == target["item"])


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

"""Workloads that fan out in every way that there is, and what a store makes of their records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scheduler.control.commands import Command, RecordRun
from scheduler.control.records import OperationRecord, OperationState, RunRecord
from scheduler.control.state.operations import SENT
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.messages import Dispatch, WorkKind
from tests.scheduler.site import function, reference

LATER = frozenset({OperationState.EXPECTED, OperationState.WAITING})
"""Nothing is decided yet: what such operations are chosen from is worked out for who asks."""


def per_item(fan_out: str, name: str, *uses: StageInput, expected: int = 3) -> Stage:
    return Stage(
        name=name,
        kind=WorkKind.FUNCTION,
        target="work",
        inputs=uses,
        outputs=("out",),
        output_bytes={"out": 4096},
        fan_out=fan_out,
        expected_items=expected,
        declared_us=10_000,
    )


def gather(name: str, *stages: str, target: str = "join") -> Stage:
    uses = tuple(reference(stage, f"{stage}.out", Take.GATHER) for stage in stages)
    return Stage(
        name=name,
        kind=WorkKind.FUNCTION,
        target=target,
        inputs=uses,
        outputs=("out",),
        declared_us=2_000,
    )


def element(text: str) -> StageInput:
    return reference("x", text, Take.ELEMENT)


def same_item(text: str) -> StageInput:
    return reference("x", text, Take.SAME_ITEM)


def plain(*, expected: int = 3) -> Workload:
    """Build split -> read per item, gathered by nobody but the caller."""
    stages = (
        function("split", "crop", x="image"),
        per_item("split.out", "read", element("split.out"), expected=expected),
    )
    return Workload(name="plain", version=1, stages=stages, outputs={"y": ("read", "out")})


def given() -> Workload:
    """Build two stages per item of a list that the caller gives, and what gathers them."""
    stages = (
        per_item("images", "read", element("images")),
        per_item("images", "score", same_item("read.out")),
        gather("all", "score"),
    )
    outputs = {"y": ("all", "out"), "parts": ("score", "out")}
    return Workload(name="given", version=1, stages=stages, outputs=outputs)


def nested(*, expected: int = 3) -> Workload:
    """Build a fan-out over a list that is made of all that another fan-out gave."""
    stages = (
        function("split", "crop", x="image"),
        per_item("split.out", "read", element("split.out"), expected=expected),
        gather("again", "read", target="crop"),
        per_item("again.out", "score", element("again.out"), expected=expected),
        per_item("score.out", "rank", element("score.out"), expected=expected),
        gather("all", "rank", "read"),
    )
    return Workload(name="nested", version=1, stages=stages, outputs={"y": ("all", "out")})


def crossed(*, expected: int = 3) -> Workload:
    """Build two fan-outs, where a later stage per item of one takes all of the other."""
    stages = (
        function("left", "crop", x="image"),
        function("right", "crop", x="image"),
        per_item("left.out", "read", element("left.out"), expected=expected),
        per_item("right.out", "score", element("right.out"), expected=expected),
        per_item(
            "right.out",
            "rank",
            same_item("score.out"),
            reference("w", "read.out", Take.GATHER),
            expected=expected,
        ),
        gather("all", "rank"),
    )
    outputs = {"y": ("all", "out"), "parts": ("rank", "out")}
    return Workload(name="crossed", version=1, stages=stages, outputs=outputs)


def told(commands: Iterable[Command], stored: dict[str, dict[int, OperationRecord]]) -> list[str]:
    """Do with the operations of runs what a store does; gives the runs that it was told of."""
    runs: list[str] = []
    for command in commands:
        if isinstance(command, RecordRun):
            record = command.record
            operations = stored.setdefault(record.run, {})
            for place in command.gone:
                operations.pop(place, None)
            operations.update({op.order: op for op in record.operations})
            runs.append(record.run)
    return runs


def differences(whole: RunRecord, stored: dict[int, OperationRecord]) -> Iterator[str]:
    """Differences between a run and its stored form."""
    there = {op.order: op for op in whole.operations}
    for place in there.keys() ^ stored.keys():
        yield f"{whole.run}: the operation at {place} is there or stored, not both"
    for place in there.keys() & stored.keys():
        now, then = _lasting(there[place]), _lasting(stored[place])
        yield from (
            f"{name} is {now[name]}; {then[name]} is stored"
            for name in now
            if now[name] != then[name]
        )


def _lasting(op: OperationRecord) -> dict[str, object]:
    """The decided fields of an operation: its plan changes, and is no reason to write a record."""
    found = {
        "operation": op.operation,
        "state": op.state,
        "attempt": op.attempt,
        "started": op.started_us,
        "ended": op.ended_us,
        "failures": op.failures,
        "waits": op.waits_for,
    }
    if op.state not in SENT | LATER:
        found |= {"candidates": op.candidates, "machine": op.machine, "shapes": op.shapes}
    return found


def sources(dispatch: Dispatch) -> list[int]:
    """Number of values of each input that gathers some."""
    return [len(binding.sources) for binding in dispatch.inputs if binding.gather]

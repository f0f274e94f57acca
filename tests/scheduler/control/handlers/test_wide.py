"""Fan-outs that are longer than a plan: a window of operations, and the rest as a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from scheduler.control.brain import BrainSettings
from scheduler.control.commands import Command, RecordRun
from scheduler.control.events import ControllerStarted, RunCancelled, Tick
from scheduler.control.records import OperationRecord, OperationState, RunRecord, RunState
from scheduler.control.workload import Take, Workload
from scheduler.model.messages import Dispatch
from scheduler.model.problem import Band
from scheduler.simulation.world import World
from tests.scheduler.site import (
    added,
    agent_joined,
    function,
    nature,
    reference,
    single,
    submitted,
    value,
)
from tests.scheduler.watched import Watched, dispatch_of, finish, start

HORIZON = 8


def wide(name: str = "wide", *, gathers: bool = True) -> Workload:
    """Build read -> score for each item of a list of the caller, and join what they gave."""
    read = replace(function("read"), inputs=(reference("x", "xs", Take.ELEMENT),), fan_out="xs")
    again = (reference("x", "read.out", Take.SAME_ITEM),)
    score = replace(function("score"), inputs=again, fan_out="xs")
    parts = (reference("parts", "score.out", Take.GATHER),)
    join = replace(function("join", "join"), inputs=parts)
    last = ("join", "out") if gathers else ("score", "out")
    stages = (read, score, join) if gathers else (read, score)
    return Workload(name=name, version=1, stages=stages, outputs={"y": last})


def site(*workloads: Workload, lanes: int = 1) -> Watched:
    watched = Watched(BrainSettings(plan_horizon_operations=HORIZON))
    watched.feed(ControllerStarted(at_us=0, epoch=1), agent_joined(lanes=lanes))
    watched.feed(*(added(workload) for workload in workloads))
    return watched


def items(count: int) -> dict[str, object]:
    return {"inputs": {"xs": value(count)}}


def stored(world: World, name: str) -> RunRecord:
    """Put together what was to be stored of a run: the last record, and each operation's last."""
    operations: dict[int, OperationRecord] = {}
    record: RunRecord | None = None
    for command in (each for told in world.commands for each in told):
        if isinstance(command, RecordRun) and command.record.run == name:
            record = command.record
            for place in command.gone:
                operations.pop(place, None)
            operations.update({op.order: op for op in record.operations})
    assert record is not None
    return replace(record, operations=tuple(operations[place] for place in sorted(operations)))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 30])
def test_every_item_is_run_and_gathered_once_however_many_there_are(count: int) -> None:
    brain = site(wide(), lanes=2)
    world = World(brain, nature=nature())
    world.join("a", "box-a", agent_joined(lanes=2).machines, 0)
    world.send(submitted("r", "wide@1", at_us=1_000, **items(count)))
    world.run()
    run = stored(world, "r")
    assert run.state is RunState.FINISHED
    done = [op.operation for op in run.operations if op.state is OperationState.DONE]
    names = [f"r/{stage}[{i}]" for stage in ("read", "score") for i in range(count)]
    assert sorted(done) == sorted([*names, "r/join"])
    assert (run.operations_total, run.operations_done) == (2 * count + 1, 2 * count + 1)


def test_only_what_a_plan_can_hold_becomes_operations_and_the_rest_is_counted() -> None:
    brain = site(wide())
    brain.handle(submitted("r", "wide@1", at_us=100, **items(1_000)))
    assert len(brain.state.runs["r"].operations) == HORIZON
    run = brain.run("r")
    assert run.operations_total == 2_001
    assert brain.state.plan.left_out == 2_001 - HORIZON


def test_cancelling_a_long_fan_out_ends_it_at_once_with_its_rest() -> None:
    brain = site(wide(), single())
    brain.handle(submitted("r", "wide@1", at_us=100, **items(1_000)))
    brain.handle(submitted("next", at_us=150))
    told = brain.handle(RunCancelled(at_us=200, run="r"))
    assert brain.run("r").state is RunState.CANCELLED
    assert brain.state.index.unfinished == 1
    assert dispatch_of(told, "next/only")


def test_more_urgent_run_passes_the_rest_of_a_fan_out() -> None:
    brain = site(wide(), single())
    brain.handle(submitted("r", "wide@1", at_us=100, **items(1_000)))
    told = brain.handle(submitted("urgent", at_us=150, band=Band.CRITICAL))
    assert dispatch_of(told, "urgent/only")


def test_outputs_of_a_long_fan_out_come_in_the_order_of_its_items() -> None:
    brain = site(wide(gathers=False))
    world = World(brain, nature=nature())
    world.join("a", "box-a", agent_joined().machines, 0)
    world.send(submitted("r", "wide@1", at_us=1_000, **items(30)))
    world.run()
    keys = [tensor.key for tensor in stored(world, "r").outputs["y"].tensors]
    assert [int(key.partition("[")[2].partition("]")[0]) for key in keys] == list(range(30))


def test_dry_run_of_a_long_fan_out_is_answered() -> None:
    brain = site(wide())
    answer, _ = brain.preview(submitted("p", "wide@1", at_us=100, **items(1_000)))
    assert answer.record.operations_total == 2_001
    assert all(op.planned_end_us for op in answer.record.operations)
    assert answer.beyond == 2_001 - HORIZON


def test_record_says_only_what_changed_since_the_one_before() -> None:
    brain = site(single())
    told = brain.handle(submitted("r", at_us=100))
    assert [op.operation for op in _recorded(told)] == ["r/only"]
    only = dispatch_of(told, "r/only")
    told = brain.handle(start(only, 200))
    assert [op.state for op in _recorded(told)] == [OperationState.RUNNING]
    told = brain.handle(finish(only, 10_200))
    assert [op.state for op in _recorded(told)] == [OperationState.DONE]
    assert brain.handle(Tick(at_us=20_000)) == []


def test_new_controller_says_everything_again_only_where_records_may_be_missing() -> None:
    brain = site(single())
    brain.handle(submitted("r", at_us=100))
    told = brain.handle(ControllerStarted(at_us=200, epoch=2, says_again=False))
    assert not _recorded(told)
    assert dispatch_of(told, "r/only")
    told = brain.handle(ControllerStarted(at_us=300, epoch=3))
    assert [op.operation for op in _recorded(told)] == ["r/only"]


def test_runs_that_ended_keep_their_operations_only_while_there_are_few() -> None:
    watched = Watched(BrainSettings(keep_ended_operations=2))
    watched.feed(ControllerStarted(at_us=0, epoch=1), agent_joined(), added(single()))
    for i in range(4):
        only = _only(watched, i)
        watched.feed(start(only, 1_000 * i + 10), finish(only, 1_000 * i + 500, took_us=490))
    assert [len(watched.state.runs[f"r-{i}"].operations) for i in range(4)] == [0, 0, 1, 1]
    assert set(watched.state.operations) == {"r-2/only", "r-3/only"}
    assert all(watched.run(f"r-{i}").state is RunState.FINISHED for i in range(4))


def test_view_shows_the_most_urgent_of_many_runs_and_counts_the_rest() -> None:
    brain = site(single())
    for i in range(250):
        brain.handle(submitted(f"r-{i}", at_us=100 + i, band=Band.BACKGROUND))
    brain.handle(submitted("high", at_us=1_000, band=Band.HIGH))
    view = brain.view(2_000)
    shown = {run.run for run in view.runs}
    assert "high" in shown
    assert view.runs_left_out == {"background": 251 - len(shown)}


def _only(brain: Watched, number: int) -> Dispatch:
    told = brain.handle(submitted(f"r-{number}", at_us=1_000 * number))
    return dispatch_of(told, f"r-{number}/only")


def _recorded(told: Iterable[Command]) -> list[OperationRecord]:
    return [
        op for command in told if isinstance(command, RecordRun) for op in command.record.operations
    ]

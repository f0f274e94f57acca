"""Fan-outs that reach further than a plan, whose lists are not there, or are made by others."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from scheduler.control import checkpoint
from scheduler.control.brain import BrainSettings
from scheduler.control.commands import Command
from scheduler.control.events import ControllerStarted, Event, RunCancelled
from scheduler.control.records import OperationRecord, RunState
from scheduler.control.state.graph import length
from scheduler.control.workload import Workload
from scheduler.model.messages import AgentLost
from scheduler.model.problem import Band
from scheduler.portfolio import placer
from scheduler.simulation.agent import Faults
from scheduler.simulation.world import World
from tests.scheduler.control.test_invariants import befall, ends, mishaps
from tests.scheduler.fan_outs import (
    crossed,
    differences,
    given,
    nested,
    plain,
    sources,
    told,
)
from tests.scheduler.site import (
    added,
    agent_joined,
    brain,
    fan,
    function,
    model_added,
    model_workload,
    nature,
    single,
    submitted,
    value,
)
from tests.scheduler.watched import Watched, dispatch_of, dispatches, finish

LONG = 12


def site(horizon: int, *workloads: Workload) -> Watched:
    watched = Watched(BrainSettings(plan_horizon_operations=horizon))
    watched.feed(ControllerStarted(at_us=0, epoch=1), agent_joined())
    watched.feed(*(added(workload) for workload in workloads))
    return watched


def finish_all(watched: Watched, run: str, **lists: int) -> None:
    """Finish what is sent of a run, each as it was predicted, until nothing more is."""
    at_us, todo = 0, dispatches(watched.commands[-1])
    while todo:
        dispatch = todo.pop(0)
        at_us += dispatch.expected_us
        count = lists.get(dispatch.operation.removeprefix(f"{run}/"))
        more = watched.handle(finish(dispatch, at_us, outputs={"out": value(count)}))
        known = {each.operation for each in todo} | {dispatch.operation}
        todo += [each for each in dispatches(more) if each.operation not in known]


def test_nothing_gathers_a_list_before_it_is_there_though_none_is_expected() -> None:
    watched = site(400, fan(expected=0))
    sent = dispatches(watched.handle(submitted("r", "fan@1")))
    assert [dispatch.operation for dispatch in sent] == ["r/split"]
    grown = watched.handle(finish(sent[0], 10_000, outputs={"out": value(2)}))
    assert sources(dispatch_of(grown, "r/gather")) == [2]


@pytest.mark.parametrize("horizon", [1, 4, 400])
@pytest.mark.parametrize("workload", [plain(expected=LONG), nested(), crossed(), fan()])
def test_every_item_is_run_however_little_is_planned_at_once(
    workload: Workload, horizon: int
) -> None:
    watched = site(horizon, workload)
    watched.handle(submitted("r", workload.key))
    finish_all(watched, "r", split=LONG, again=LONG, left=LONG, right=LONG - 3)
    run = watched.state.runs["r"]
    assert run.state is RunState.FINISHED
    assert run.total == run.done == len(run.operations)
    for stage in workload.stages:
        items = range(length(run, stage.fan_out) or 0) if stage.fan_out else [None]
        assert [op.item for op in run.items[stage.name]] == list(items)


def test_record_says_what_an_operation_waits_for_once_that_is_known() -> None:
    watched = site(400, fan(expected=1))
    split = dispatch_of(watched.handle(submitted("r", "fan@1")), "r/split")
    stored: dict[str, dict[int, OperationRecord]] = {}
    told(watched.commands[-1], stored)
    told(watched.handle(finish(split, 300_000, outputs={"out": value(LONG)})), stored)
    gather = next(op for op in stored["r"].values() if op.stage == "gather")
    assert gather.waits_for == tuple(f"r/score[{item}]" for item in range(LONG))


def test_what_is_too_late_when_it_comes_makes_nobody_forget_what_waits() -> None:
    watched = site(1, single())
    watched.feed(*(submitted(f"r-{i}", at_us=100) for i in range(3)))
    watched.handle(submitted("late", at_us=100, deadline_us=50))
    watched.handle(submitted("late-2", at_us=100, deadline_us=50))
    assert watched.state.plan.left_out == 2


def test_run_that_nothing_can_take_makes_nobody_forget_what_waits_when_it_ends() -> None:
    odd = Workload(
        name="odd", version=1, stages=(function("only", "unheard-of", x="image"),), outputs={}
    )
    watched = site(1, single(), odd)
    watched.handle(submitted("odd", "odd@1", band=Band.HIGH))
    watched.feed(*(submitted(f"r-{i}", at_us=100) for i in range(2)))
    left_out = watched.state.plan.left_out
    watched.handle(RunCancelled(at_us=200, run="odd"))
    assert watched.state.plan.left_out == left_out == 1


def test_items_of_a_lost_box_are_made_again_before_what_gathers_them_has_an_operation() -> None:
    watched = site(4, replace(fan(), outputs={"all": ("gather", "out")}))
    watched.handle(agent_joined("b"))
    split = dispatch_of(watched.handle(submitted("r", "fan@1")), "r/split")
    watched.handle(finish(split, 10_000, outputs={"out": value(LONG)}))
    score = watched.state.operations["r/score[0]"]
    for name in ("r/read[0]", "r/score[0]"):
        sent = [d for commands in watched.commands for d in dispatches(commands)]
        dispatch = next(d for d in reversed(sent) if d.operation == name)
        watched.handle(finish(dispatch, 40_000, outputs={"out": value(box="box-a")}))
    assert "gather" not in {op.stage.name for op in watched.state.operations.values()}
    watched.handle(AgentLost(at_us=50_000, agent="a"))
    assert score.ended_us is None


WIDE = (fan(), plain(), given(), nested(), crossed())


def story(seed: int, horizon: int, *, most_items: int, faults: Faults) -> tuple[Watched, World]:
    """A site with a small plan and wide runs of every kind and band."""
    watched = Watched(BrainSettings(plan_horizon_operations=horizon))
    world = World(
        watched,
        nature=nature(spread=1.0, most_items=most_items),
        faults=faults,
        solver=placer("heft"),
        seed=seed,
    )
    for agent in ("a", "b"):
        world.join(agent, f"box-{agent}", agent_joined(agent, lanes=2).machines, 0)
    for workload in (*WIDE, single(), model_workload()):
        world.send(added(workload))
    world.send(model_added(1))
    names = [workload.key for workload in WIDE] + ["one@1", "detect@1"]
    for i in range(8):
        inputs = {"image": value(), "images": value((seed + i) % (most_items + 1))}
        at_us = 1_000 + (i * 37 + seed * 11) % 50 * 4_000
        band, name = Band((i + seed) % 4), names[(i + seed) % len(names)]
        world.send(submitted(f"r-{i}", name, at_us=at_us, band=band, inputs=inputs))
    return watched, world


@pytest.mark.parametrize("seed", [19, 22])
def test_urgent_items_overtake_when_their_list_is_as_long_as_expected(seed: int) -> None:
    watched, world = story(seed, 40, most_items=12, faults=Faults())
    world.run()  # held to it after every event
    assert watched.state.counters["runs_finished"] >= 8


def commands_from_checkpoints(
    log: list[Event], places: set[int], settings: BrainSettings
) -> list[bytes]:
    """Fold a log, each time a place in it is reached with another brain that goes on."""
    one, said = brain(settings), []
    for i, event in enumerate(log):
        if i in places:
            data = msgspec.msgpack.encode(checkpoint.taken(one))
            one = brain(settings)
            checkpoint.resume(one, msgspec.msgpack.decode(data))
        said.append(msgspec.json.encode(one.handle(event)))
    return said


def stored_otherwise(watched: Watched, commands: list[list[Command]]) -> list[str]:
    """Records as a store has them in the end, put together otherwise than by the brain."""
    stored: dict[str, dict[int, OperationRecord]] = {}
    for each in commands:
        told(each, stored)
    return [d for run in watched.state.runs for d in differences(watched.run(run), stored[run])]


@settings(max_examples=12, deadline=None)
@drawn(
    seed=st.integers(0, 1_000),
    horizon=st.sampled_from([1, 2, 3, 5, 9, 40]),
    most_items=st.sampled_from([0, 3, 12, 25]),
    happenings=mishaps,
    faults=st.builds(Faults, fail=st.sampled_from([0.0, 0.05]), twice=st.sampled_from([0.0, 0.2])),
    shares=st.lists(st.floats(0, 1), max_size=3),
)
def test_wide_runs_end_are_stored_as_they_are_and_fold_to_the_same(
    seed: int,
    horizon: int,
    most_items: int,
    happenings: list[tuple[str, int, int]],
    faults: Faults,
    shares: list[float],
) -> None:
    watched, world = story(seed, horizon, most_items=most_items, faults=faults)
    for what, at_us, more in happenings:
        befall(world, what, at_us, more)
    world.run()
    final = {RunState.FINISHED, RunState.FAILED, RunState.CANCELLED}
    assert set(ends(watched).values()) <= final
    assert stored_otherwise(watched, watched.commands) == []
    places = {int(share * len(world.log)) for share in shares}
    said = commands_from_checkpoints(world.log, places, watched.state.settings)
    assert said == [msgspec.json.encode(commands) for commands in watched.commands]

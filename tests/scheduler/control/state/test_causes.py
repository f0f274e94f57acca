"""All of the wait of a run has causes, from recorded times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from scheduler.control.events import RunCancelled
from scheduler.control.records import Cause, OperationRecord, RunRecord, RunState
from scheduler.model.links import Transfer
from scheduler.model.messages import Dispatch, FailureReason, MachineDown, MachineUp
from scheduler.model.problem import Band
from scheduler.simulation.agent import STOP_US, Faults
from scheduler.simulation.world import HOP_US, RESTART_US, World
from tests.scheduler.control.test_invariants import story
from tests.scheduler.site import SECOND_US, added, agent_joined, nature, single, submitted
from tests.scheduler.watched import Watched, dispatches, fail, finish, records, start

MS = 1000


def site(*runs: str, band: Band = Band.NORMAL) -> Watched:
    """One machine, and runs of 10 ms that came at once."""
    brain = Watched()
    brain.feed(agent_joined("a"), added(single()))
    brain.feed(*(submitted(run, at_us=0, band=band) for run in runs))
    return brain


def sent(brain: Watched, run: str) -> Dispatch:
    """The latest that an agent was told of the only operation of a run."""
    told = [d for commands in brain.commands for d in dispatches(commands)]
    return [d for d in told if d.run == run][-1]


def ended(brain: Watched) -> Iterator[tuple[RunRecord, list[OperationRecord]]]:
    """Runs that finished, with the last that was said of each of their operations."""
    runs: dict[str, RunRecord] = {}
    operations: dict[str, dict[str, OperationRecord]] = {}
    for record in (record for commands in brain.commands for record in records(commands)):
        runs[record.run] = record
        known = operations.setdefault(record.run, {})
        known.update({op.operation: op for op in record.operations})
    for name, run in runs.items():
        if run.state is RunState.FINISHED and run.kind == "run":
            yield run, [op for op in operations[name].values() if op.ended_us is not None]


def worked_us(run: RunRecord, operations: Sequence[OperationRecord]) -> int:
    """Time in which the operation ran that was waited for, from the last one backwards."""
    at_us, found_us = max(op.ended_us or 0 for op in operations), 0
    while at_us > run.submitted_us:
        last = next(op for op in operations if op.ended_us == at_us)
        assert last.started_us is not None
        assert last.ready_us is not None
        found_us += at_us - last.started_us
        at_us = last.ready_us
    return found_us


def test_causes_of_a_run_add_up_to_its_time_without_its_work() -> None:
    for seed in range(6):
        faults = Faults(crash=0.05, fail=0.03, twice=0.2) if seed % 2 else None
        brain, world = story(seed, runs=16, faults=faults)
        world.run()
        for run, operations in ended(brain):
            flow_us = (run.ended_us or 0) - run.submitted_us
            assert sum(run.waited.values()) == flow_us - worked_us(run, operations), run


def test_work_in_front_is_told_apart_by_its_urgency_and_its_run() -> None:
    brain = site("lower", band=Band.BACKGROUND)
    brain.feed(start(sent(brain, "lower"), 1 * MS))
    brain.feed(submitted("same", at_us=2 * MS), submitted("now", at_us=2 * MS))
    brain.feed(finish(sent(brain, "lower"), 11 * MS), start(sent(brain, "same"), 12 * MS))
    brain.feed(finish(sent(brain, "same"), 22 * MS), start(sent(brain, "now"), 22 * MS))
    brain.feed(finish(sent(brain, "now"), 32 * MS))
    lower_us, other_us, controller_us = 9 * MS, 10 * MS, 1 * MS
    assert brain.run("now").waited == {
        Cause.LOWER_WORK: lower_us,
        Cause.CONTROLLER: controller_us,
        Cause.OTHER_WORK: other_us,
    }


def test_run_that_waits_says_for_what_so_far_when_it_is_asked_for() -> None:
    brain = site("first", "next")
    brain.feed(start(sent(brain, "first"), 1 * MS), submitted("third", at_us=6 * MS))
    assert brain.run("next").waited == {Cause.CONTROLLER: 1 * MS, Cause.OTHER_WORK: 5 * MS}
    assert brain.op("next/only").waited == brain.run("next").waited


def test_run_that_is_cancelled_while_it_waits_keeps_what_it_waited_for() -> None:
    brain = site("first", "next")
    brain.feed(start(sent(brain, "first"), 1 * MS), RunCancelled(at_us=5 * MS, run="next"))
    assert brain.run("next").waited == {Cause.CONTROLLER: 1 * MS, Cause.OTHER_WORK: 4 * MS}


def test_attempt_that_failed_is_a_cause_from_its_start_to_its_failure() -> None:
    brain = Watched()
    brain.feed(agent_joined("a", lanes=2), added(single()), submitted("r", at_us=0))
    brain.feed(start(sent(brain, "r"), 1 * MS), fail(sent(brain, "r"), 5 * MS))
    brain.feed(start(sent(brain, "r"), 6 * MS), finish(sent(brain, "r"), 16 * MS))
    assert brain.run("r").waited == {Cause.CONTROLLER: 2 * MS, Cause.RETRY: 4 * MS}
    assert brain.op("r/only").failures[0].started_us == 1 * MS


def test_worker_that_begins_after_its_agent_said_so_is_a_cause() -> None:
    brain = site("r")
    brain.feed(start(sent(brain, "r"), 1 * MS), finish(sent(brain, "r"), 16 * MS, took_us=12 * MS))
    assert brain.run("r").waited == {Cause.CONTROLLER: 1 * MS, Cause.WORKER: 3 * MS}


def test_session_and_what_was_fetched_are_causes_as_the_report_of_the_end_tells() -> None:
    brain = site("r")
    brain.feed(start(sent(brain, "r"), 4 * MS))
    fetched = Transfer(source="box-b", size_bytes=4096, duration_us=3 * MS)
    report = finish(sent(brain, "r"), 16 * MS, took_us=12 * MS)
    brain.feed(replace(report, load_us=2 * MS, transfers=(fetched,)))
    assert brain.run("r").waited == {
        Cause.CONTROLLER: 1 * MS,
        Cause.TRANSFER: 3 * MS,
        Cause.SESSION: 2 * MS,
    }


def test_machine_that_was_away_is_a_cause_until_it_is_back() -> None:
    brain = site()
    brain.feed(MachineDown(at_us=1 * MS, machine="a/cpu0", reason="ended"))
    brain.feed(submitted("r", at_us=2 * MS), MachineUp(at_us=7 * MS, machine="a/cpu0"))
    brain.feed(start(sent(brain, "r"), 8 * MS), finish(sent(brain, "r"), 18 * MS))
    assert brain.run("r").waited == {Cause.NO_MACHINE: 5 * MS, Cause.CONTROLLER: 1 * MS}


def test_lower_work_that_gives_way_costs_its_stop_and_says_for_whom() -> None:
    brain = Watched()
    world = World(brain, nature=nature())
    report = agent_joined("a").machines
    provider = replace(report[0].providers[0], terminates=True)
    world.join("a", "box-a", (replace(report[0], providers=(provider,)),), 0)
    world.send(added(single("long", declared_us=10 * SECOND_US)))
    world.send(added(single()))
    world.send(submitted("long", "long@1", at_us=0, band=Band.BACKGROUND))
    world.send(submitted("now", at_us=SECOND_US, band=Band.CRITICAL))
    world.run()
    runs = {run.run: (run, operations) for run, operations in ended(brain)}
    now, (long, (operation,)) = runs["now"][0], runs["long"]
    assert now.waited[Cause.STOP] >= STOP_US
    # It begins as soon as its worker is there, and that its machine went down was told a hop late.
    assert now.waited[Cause.RESTART] == RESTART_US - HOP_US
    assert [each.gave_way_to for each in operation.failures] == ["now/only"]
    assert operation.failures[0].started_us == HOP_US
    assert operation.failures[0].reason is FailureReason.CANCELLED
    assert long.waited[Cause.RETRY] == SECOND_US - HOP_US


def test_wait_of_longer_ago_than_a_machine_remembers_is_said_to_be_forgotten() -> None:
    names = [f"b-{i:02}" for i in range(40)]
    brain = site(*names, "r")
    for i, name in enumerate(names):
        at_us = (10 * i + 1) * MS
        brain.feed(start(sent(brain, name), at_us), finish(sent(brain, name), at_us + 10 * MS))
    brain.feed(start(sent(brain, "r"), 401 * MS), finish(sent(brain, "r"), 411 * MS))
    assert brain.run("r").waited == {Cause.FORGOTTEN: 81 * MS, Cause.OTHER_WORK: 320 * MS}

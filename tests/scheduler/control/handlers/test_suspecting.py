"""Machines that do not answer: noticed soon, kept clear of, and trusted again once they answer."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from scheduler.control.commands import Command, WakeAt
from scheduler.control.events import ControllerStarted, RunCancelled, Tick
from scheduler.control.records import OperationState, Reason, RunState
from scheduler.model.messages import (
    Dispatch,
    FailureReason,
    MachineDown,
    MachineUp,
    Profile,
    ProviderReport,
    Verdict,
)
from scheduler.model.problem import Band
from tests.scheduler.site import (
    DIGEST,
    added,
    agent_joined,
    model_added,
    model_workload,
    single,
    submitted,
)
from tests.scheduler.watched import (
    Watched,
    dispatch_of,
    dispatches,
    fail,
    finish,
    folded,
    plans,
    start,
)

MS, S = 1_000, 1_000_000
TAKES_US = 10 * MS
OVERDUE_US = 1_100 * MS
"""Work of 10 ms has been silent for more than a second then."""
BUSY, FREE = "a/cpu0", "a/cpu1"


def site(*, lanes: int = 2, declared_us: int = TAKES_US) -> Watched:
    brain = Watched()
    brain.feed(agent_joined(lanes=lanes), added(single(declared_us=declared_us)))
    return brain


def hanging(brain: Watched, band: Band = Band.NORMAL) -> Dispatch:
    """A run that has begun on the first machine, and is never heard of again."""
    sent = dispatch_of(brain.handle(submitted("hung", at_us=0, band=band)), "hung/only")
    assert sent.machine == BUSY
    brain.handle(start(sent, 0))
    return sent


def ticked(brain: Watched, until_us: int) -> list[Command]:
    """Wake the brain as it asks for it, until a time."""
    told: list[Command] = []
    while brain.state.wake_us is not None and brain.state.wake_us <= until_us:
        told += brain.handle(Tick(at_us=brain.state.wake_us))
    return told


def states(brain: Watched) -> dict[str, str]:
    return {m.report.id: m.state for m in brain.view(brain.state.now_us).machines}


def test_the_brain_asks_to_be_woken_when_what_runs_is_overdue() -> None:
    brain = site()
    hanging(brain)
    wakes = [c for commands in brain.commands for c in commands if isinstance(c, WakeAt)]
    assert TAKES_US + S <= wakes[-1].at_us < OVERDUE_US


def test_what_does_not_answer_is_started_again_elsewhere_and_its_machine_is_suspected() -> None:
    brain = site()
    first = hanging(brain)
    second = dispatch_of(ticked(brain, OVERDUE_US), "hung/only")
    assert (second.machine, second.attempt) == (FREE, first.attempt + 1)
    assert states(brain) == {BUSY: "suspected", FREE: "up"}
    assert (brain.state.counters["suspicions"], brain.state.counters["duplicates"]) == (1, 1)
    assert brain.op("hung/only").failures[0].message == "a/cpu0 does not answer"


def test_first_result_ends_the_run_and_the_attempt_that_hangs_is_stopped() -> None:
    brain = site()
    first = hanging(brain)
    second = dispatch_of(ticked(brain, OVERDUE_US), "hung/only")
    told = brain.feed(start(second, OVERDUE_US), finish(second, OVERDUE_US + TAKES_US))
    assert brain.run("hung").state is RunState.FINISHED
    assert plans(told)[-1].stop == (("hung/only", first.attempt),)
    assert states(brain)[BUSY] == "suspected"
    brain.feed(
        MachineDown(at_us=4 * S, machine=BUSY, reason="ended", is_planned=True),
        MachineUp(at_us=5 * S, machine=BUSY),
    )
    assert states(brain)[BUSY] == "up"


def test_a_machine_that_answers_after_all_is_trusted_and_the_second_start_is_stopped() -> None:
    brain = site()
    first = hanging(brain)
    second = dispatch_of(ticked(brain, OVERDUE_US), "hung/only")
    brain.handle(start(second, OVERDUE_US))
    told = brain.handle(finish(first, OVERDUE_US + MS))
    assert brain.run("hung").state is RunState.FINISHED
    assert plans(told)[-1].stop == (("hung/only", second.attempt),)
    assert states(brain)[BUSY] == "up"
    brain.handle(fail(second, OVERDUE_US + 2 * MS, FailureReason.CANCELLED))
    told = brain.feed(*(submitted(f"r{i}", at_us=OVERDUE_US + 3 * MS) for i in range(2)))
    assert {dispatch_of(told, f"r{i}/only").machine for i in range(2)} == {BUSY, FREE}


def test_what_waits_for_a_suspected_machine_moves_at_once_and_nothing_new_goes_there() -> None:
    brain = site()
    hanging(brain)
    other = dispatch_of(brain.handle(submitted("other", at_us=0)), "other/only")
    brain.handle(start(other, 0))
    brain.feed(*(submitted(f"r{i}", at_us=MS) for i in range(4)))
    assert brain.state.machines[BUSY].queue
    brain.handle(finish(other, 12 * MS))
    ticked(brain, OVERDUE_US)
    assert not brain.state.machines[BUSY].queue
    assert {brain.op(f"r{i}/only").machine for i in range(4)} == {FREE}
    brain.handle(submitted("late", at_us=OVERDUE_US))
    refused = [c for c in brain.op("late/only").candidates if c.reason is Reason.SUSPECTED]
    assert [candidate.machine for candidate in refused] == [BUSY]


def test_a_critical_run_ends_on_the_other_machine_while_one_hangs() -> None:
    brain = site()
    hanging(brain, band=Band.CRITICAL)
    second = dispatch_of(ticked(brain, OVERDUE_US), "hung/only")
    brain.feed(start(second, OVERDUE_US), finish(second, OVERDUE_US + TAKES_US))
    assert brain.run("hung").state is RunState.FINISHED


def test_nothing_is_started_twice_while_as_urgent_work_waits_for_all_machines() -> None:
    brain = site()
    hanging(brain)
    other = dispatch_of(brain.handle(submitted("other", at_us=0)), "other/only")
    brain.feed(*(submitted(f"r{i}", at_us=MS) for i in range(4)))
    brain.handle(start(other, S))
    ticked(brain, OVERDUE_US)
    assert states(brain)[BUSY] == "suspected"
    assert brain.state.counters.get("duplicates", 0) == 0
    assert brain.op("hung/only").state is OperationState.RUNNING


def test_what_takes_longer_elsewhere_than_was_waited_is_started_there_only_later() -> None:
    brain = site(declared_us=4 * S)
    hanging(brain)
    # 4 s as expected, and five times the p95 of it: 4 s elsewhere are cheap by then.
    ticked(brain, 20 * S)
    assert "suspicions" not in brain.state.counters
    ticked(brain, 60 * S)
    assert brain.state.counters["duplicates"] == 1


def test_no_more_than_one_in_twenty_is_started_twice() -> None:
    brain = site()
    at_us = 0
    for i in range(60):
        told = brain.handle(submitted(f"r{i}", at_us=at_us))
        sent = dispatch_of(told, f"r{i}/only")
        brain.handle(start(sent, at_us))
        told = ticked(brain, at_us + 3 * S)
        if brain.op(f"r{i}/only").attempt > sent.attempt:
            again = dispatch_of(told, f"r{i}/only")
            brain.feed(start(again, at_us + 3 * S), finish(again, at_us + 3 * S + TAKES_US))
            brain.handle(fail(sent, at_us + 4 * S, FailureReason.CANCELLED))
        else:
            brain.handle(finish(sent, at_us + 4 * S, took_us=TAKES_US))
        at_us += 5 * S
    assert brain.state.counters["operations"] == 60
    assert 1 <= brain.state.counters["duplicates"] <= 3


def test_a_machine_that_was_told_to_stop_and_does_not_is_suspected() -> None:
    brain = site()
    hanging(brain)
    brain.handle(RunCancelled(at_us=5 * MS, run="hung"))
    assert states(brain)[BUSY] == "up"
    ticked(brain, 5 * MS + 2 * S)
    assert states(brain)[BUSY] == "suspected"


def test_a_run_whose_only_machine_is_suspected_waits_with_that_reason() -> None:
    brain = site(lanes=1)
    hanging(brain)
    ticked(brain, OVERDUE_US)
    brain.handle(submitted("next", at_us=OVERDUE_US))
    record = brain.run("next")
    assert (record.state, record.reason) == (RunState.QUEUED, Reason.SUSPECTED)
    assert record.detail == "waits for any of a/cpu0:python to answer: the work there is overdue"


def test_work_that_nothing_else_can_run_is_stopped_and_goes_to_the_next_worker() -> None:
    brain = site(lanes=1)
    first = hanging(brain)
    told = ticked(brain, 10 * S)
    assert [plan.stop for plan in plans(told) if plan.stop] == [(("hung/only", first.attempt),)]
    assert brain.op("hung/only").started_us is None
    told = came_back(brain, first, 11 * S)
    second = dispatch_of(told, "hung/only")
    assert (second.machine, second.attempt) == (BUSY, first.attempt + 1)
    brain.feed(start(second, 12 * S), finish(second, 12 * S + TAKES_US))
    assert brain.run("hung").state is RunState.FINISHED
    assert folded(brain.log) == [msgspec.json.encode(commands) for commands in brain.commands]


def test_work_that_is_silent_again_on_the_only_machine_is_left_to_its_agent() -> None:
    brain = site(lanes=1)
    first = hanging(brain)
    ticked(brain, 10 * S)
    second = dispatch_of(came_back(brain, first, 11 * S), "hung/only")
    brain.handle(start(second, 12 * S))
    told = ticked(brain, 40 * S)
    assert states(brain)[BUSY] == "suspected"
    assert not any(plan.stop for plan in plans(told))
    assert brain.op("hung/only").state is OperationState.RUNNING


def came_back(brain: Watched, stopped: Dispatch, at_us: int) -> list[Command]:
    """Have an agent report that it ended the worker of an attempt, and started the next."""
    return brain.feed(
        fail(stopped, at_us, FailureReason.CANCELLED),
        MachineDown(at_us=at_us, machine=stopped.machine, reason="ended", is_planned=True),
        MachineUp(at_us=at_us + MS, machine=stopped.machine),
    )


@pytest.mark.parametrize(
    "back", [Tick(at_us=15 * S), ControllerStarted(at_us=15 * S, epoch=1)], ids=["late", "anew"]
)
def test_nobody_is_suspected_by_one_who_was_away_itself(back: Tick | ControllerStarted) -> None:
    brain = site()
    sent = hanging(brain)
    brain.handle(back)
    assert states(brain)[BUSY] == "up"
    brain.handle(finish(sent, 15 * S + MS))
    ticked(brain, 20 * S)
    assert "suspicions" not in brain.state.counters


@pytest.mark.parametrize("answers", [True, False])
def test_a_log_with_a_suspicion_folds_to_the_same_commands(answers: bool) -> None:
    brain = site()
    first = hanging(brain)
    second = dispatch_of(ticked(brain, OVERDUE_US), "hung/only")
    brain.handle(start(second, OVERDUE_US))
    brain.handle(finish(first if answers else second, OVERDUE_US + TAKES_US))
    assert folded(brain.log) == [msgspec.json.encode(commands) for commands in brain.commands]


def stoppable_site() -> Watched:
    """Two machines whose provider can stop what runs, and a model that takes 5 s on each."""
    cpu = ProviderReport(
        provider="cpu", device_class="cpu", verdict=Verdict.USABLE, terminates=True
    )
    joined = agent_joined(lanes=2)
    lanes = tuple(replace(machine, providers=(cpu,)) for machine in joined.machines)
    brain = Watched()
    told = brain.feed(replace(joined, machines=lanes), model_added(), added(model_workload()))
    for profiling in dispatches(told):
        measured = Profile(
            digest=DIGEST,
            machine=profiling.machine,
            provider="cpu",
            verdict=Verdict.USABLE,
            samples_us=(5 * S,) * 6,
        )
        brain.feed(start(profiling, 1), replace(finish(profiling, 1_000), profile=measured))
    return brain


def test_a_critical_run_does_not_wait_for_what_was_told_to_stop_and_hangs() -> None:
    brain = stoppable_site()
    for i in range(2):
        told = brain.handle(submitted(f"slow{i}", "detect@1", at_us=10 * MS, band=Band.BACKGROUND))
        brain.handle(start(dispatch_of(told, f"slow{i}/only"), 10 * MS))
    first = brain.handle(submitted("now", "detect@1", at_us=200 * MS, band=Band.CRITICAL))
    hangs = dispatch_of(first, "now/only").machine
    then = ticked(brain, 1_500 * MS)
    assert states(brain)[hangs] == "suspected"
    assert {dispatch_of(told, "now/only").machine for told in (first, then)} == {BUSY, FREE}
    stopped = [plans(told)[-1].stop for told in (first, then)]
    assert {name for ((name, _),) in stopped} == {"slow0/only", "slow1/only"}

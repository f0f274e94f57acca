"""An urgent run that comes while much waits is put ahead of it; the rest is planned anew later."""

from __future__ import annotations

import pytest

from scheduler.control.events import Event, Tick
from scheduler.model.problem import Band
from scheduler.simulation.world import World
from tests.scheduler.control.checkpoint.test_checkpoint import fresh, resumed, said, stored
from tests.scheduler.site import added, agent_joined, chain, fan, nature, single, submitted
from tests.scheduler.watched import Watched, dispatch_of, dispatches, finish, folded, start

WAITING = 60
MIXED = 36


def busy(*, lanes: int = 2) -> Watched:
    """A site whose lanes run the first of many background runs of 10 ms."""
    brain = Watched()
    brain.feed(agent_joined(lanes=lanes), added(single()), added(chain()), added(fan()))
    commands = brain.feed(
        *(submitted(f"r{i:02}", at_us=1_000, band=Band.BACKGROUND) for i in range(WAITING))
    )
    first = {sent.machine: sent for sent in reversed(dispatches(commands))}
    brain.feed(*(start(sent, 2_000) for sent in first.values()))
    return brain


def background(brain: Watched) -> dict[str, list[str]]:
    queues = brain.state.plan.queues.items()
    return {name: [op for op in queue if op.startswith("r")] for name, queue in queues}


def inserted(brain: Watched) -> int:
    return brain.state.counters.get("inserted", 0)


def urgent(run: str = "u", workload: str = "one@1", at_us: int = 3_000) -> Event:
    return submitted(run, workload, at_us=at_us, band=Band.CRITICAL)


def test_what_is_less_urgent_keeps_its_machine_and_its_order() -> None:
    brain = busy()
    before = background(brain)
    brain.feed(urgent())
    assert inserted(brain) == 1
    assert background(brain) == before


def test_the_urgent_run_is_next_and_is_sent_at_once() -> None:
    brain = busy(lanes=1)
    sent = dispatches(brain.feed(urgent()))
    assert sent[0].run == "u"


def test_all_is_planned_anew_soon_after() -> None:
    brain = busy()
    brain.feed(urgent())
    due_us, replans = brain.state.plan.stale_us, brain.state.counters["replans"]
    assert due_us is not None
    brain.feed(Tick(at_us=due_us))
    assert brain.state.counters["replans"] == replans + 1
    assert not brain.state.plan.is_makeshift


def test_a_stream_of_urgent_runs_does_not_put_that_off() -> None:
    brain = busy()
    brain.feed(urgent())
    due_us = brain.state.plan.stale_us
    brain.feed(urgent("v", at_us=4_000))
    assert inserted(brain) == 2
    assert brain.state.plan.stale_us == due_us


def test_where_little_waits_all_is_planned_anew() -> None:
    brain = Watched()
    brain.feed(agent_joined(lanes=2), added(single()))
    brain.feed(*(submitted(f"r{i}", at_us=1_000, band=Band.BACKGROUND) for i in range(8)))
    brain.feed(urgent())
    assert inserted(brain) == 0


def site(seed: int) -> tuple[Watched, World]:
    """A busy site in a world where nothing takes what was predicted, with urgent runs."""
    brain = Watched()
    world = World(brain, nature=nature(spread=0.6), seed=seed)
    world.join("a", "box-a", agent_joined("a", lanes=2).machines, 0)
    world.join("b", "box-b", agent_joined("b", lanes=1).machines, 0)
    for workload in (single(), chain(), fan()):
        world.send(added(workload))
    for i in range(MIXED):
        kind = ("one@1", "chain@1", "fan@1")[i % 3]
        world.send(submitted(f"r{i}", kind, at_us=1_000 + i, band=Band.BACKGROUND))
    for i in range(12):
        kind, band = (("one@1", Band.CRITICAL), ("chain@1", Band.HIGH), ("fan@1", Band.CRITICAL))[
            (i + seed) % 3
        ]
        world.send(submitted(f"u{i}", kind, at_us=20_000 + 7_000 * i, band=band))
    return brain, world


@pytest.mark.parametrize("seed", range(3))
def test_every_run_comes_through_beside_a_stream_of_urgent_ones(seed: int) -> None:
    brain, world = site(seed)
    world.run()
    assert inserted(brain) >= 3
    assert brain.state.counters["runs_finished"] == MIXED + 12


def test_a_fold_from_a_checkpoint_of_such_a_plan_gives_the_same_commands() -> None:
    watched, world = site(1)
    world.run()
    log = watched.log
    whole, brain, times = said(fresh(), log), fresh(), 0
    for i, event in enumerate(log):
        assert said(brain, [event]) == whole[i : i + 1]
        if brain.state.plan.is_makeshift and i % 3 == 0:
            brain, times = resumed(stored(brain)), times + 1
    assert times >= 3
    assert folded(log) == whole


def test_a_start_that_is_through_before_a_plan_would_be_plans_nothing_anew() -> None:
    brain = Watched()
    quick = added(single(declared_us=500))
    brain.feed(agent_joined(lanes=1), quick)
    runs = (submitted(f"r{i:02}", at_us=1_000, band=Band.BACKGROUND) for i in range(WAITING))
    told = brain.feed(*runs)
    first, second = (dispatch_of(told, f"r0{i}/only") for i in range(2))
    brain.feed(start(first, 2_000), urgent())
    replans = brain.state.counters["replans"]
    brain.feed(finish(first, 3_100))
    brain.feed(start(second, 3_200))
    assert brain.state.counters["replans"] == replans

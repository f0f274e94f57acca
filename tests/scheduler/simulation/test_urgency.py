"""No less urgent work starts where more urgent work is planned before its end, but for reasons."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from cost_models.oracle import Oracle
from scheduler.control.brain import Brain
from scheduler.control.commands import Command
from scheduler.control.events import Event
from scheduler.control.records import Ahead, OperationState
from scheduler.control.state.operations import LiveOperation
from scheduler.model.messages import OperationStarted
from scheduler.model.problem import Band
from scheduler.portfolio import placer
from scheduler.simulation.world import HOP_US, World
from tests.scheduler.site import added, agent_joined, chain, fan, nature, single, submitted

SPAN_US = 400_000
BANDS = (Band.CRITICAL, Band.NORMAL, Band.BACKGROUND)


class Judging(Brain):
    """Holds each start against the plan that is in force when it is heard of."""

    def __init__(self) -> None:
        super().__init__(oracle=Oracle(), solvers={"heft": placer("heft")})
        self.ahead: Counter[Ahead | None] = Counter()
        self.broken: list[str] = []

    def handle(self, event: Event) -> list[Command]:
        op = self._starting(event)
        if op is None or not isinstance(event, OperationStarted):
            return super().handle(event)
        is_ahead, made_us = self._is_ahead(op, event), self.state.plan.made_us
        commands = super().handle(event)
        self._judge(op, event, is_ahead, made_us)
        return commands

    def _starting(self, event: Event) -> LiveOperation | None:
        if not isinstance(event, OperationStarted):
            return None
        op = self.state.operations.get(event.operation)
        is_new = op is not None and op.state is OperationState.DISPATCHED
        return op if is_new and op is not None and op.attempt == event.attempt else None

    def _is_ahead(self, op: LiveOperation, event: OperationStarted) -> bool:
        end_us = event.at_us + op.sent[event.machine].duration_us
        placed = (
            other.placement for other in self.state.plan.planned.values() if other.band < op.band
        )
        return any(at.mode.machine == event.machine and at.start_us < end_us for at in placed if at)

    def _judge(
        self, op: LiveOperation, event: OperationStarted, is_ahead: bool, made_us: int
    ) -> None:
        if is_ahead != bool(op.ahead_of) or is_ahead != (op.ahead_why is not None):
            self.broken.append(f"{op.id} is ahead {is_ahead}, and says {op.ahead_of!r}")
        if is_ahead:
            self.ahead[op.ahead_why] += 1
        if op.ahead_why is Ahead.UNDER_WAY and event.at_us > made_us + HOP_US:
            self.broken.append(f"the agent knew better than to start {op.id}")


def mix(seed: int) -> World:
    """Chains, fan-outs and single operations in three bands, on two lanes, with some noise."""
    random, brain = Random(seed), Judging()
    world = World(brain, nature=nature(spread=0.4, most_items=8), seed=seed)
    world.join("a", "box-a", agent_joined("a", lanes=2).machines, 0)
    workloads = [
        chain(length=4),
        fan(expected=4),
        single("short", declared_us=3_000),
        single("long", declared_us=60_000),
    ]
    for workload in workloads:
        world.send(added(workload))
    for i in range(24):
        name = random.choice(workloads).key
        band, at_us = random.choice(BANDS), random.randrange(SPAN_US)
        world.send(submitted(f"r-{i}", name, at_us=at_us, band=band))
    world.run()
    return world


@pytest.mark.parametrize("seed", range(20))
def test_what_goes_ahead_of_more_urgent_work_says_why(seed: int) -> None:
    world = mix(seed)
    assert isinstance(world.brain, Judging)
    assert world.brain.broken == []


def test_few_go_ahead_at_all() -> None:
    brains = [mix(seed).brain for seed in range(6)]
    starts = sum(brain.state.counters["operations"] for brain in brains)
    ahead = sum(sum(brain.ahead.values()) for brain in brains if isinstance(brain, Judging))
    assert ahead < starts / 50


def test_a_crop_that_is_expected_finds_its_machine_free() -> None:
    """The list of a fan-out is a message away while the machine is idle, and long work waits."""
    brain = Judging()
    world = World(brain, nature=nature(), hop_us=2_000)
    world.join("a", "box-a", agent_joined("a", lanes=2).machines, 0)
    world.send(added(fan(expected=4)))
    world.send(added(single("long", declared_us=60_000)))
    world.send(submitted("page", "fan@1", at_us=1_000, band=Band.CRITICAL))
    for i in range(4):
        world.send(submitted(f"long-{i}", "long@1", at_us=1_500, band=Band.BACKGROUND))
    world.run()
    begun = {e.operation: e.at_us for e in world.log if isinstance(e, OperationStarted)}
    reads = [at_us for name, at_us in begun.items() if name.startswith("page/read")]
    assert all(begun[f"long-{i}/only"] > min(reads) for i in range(4))


def test_the_run_with_the_nearest_deadline_goes_first_though_it_came_last() -> None:
    world = World(Judging(), nature=nature())
    world.join("a", "box-a", agent_joined("a").machines, 0)
    world.send(added(single("work", declared_us=20_000)))
    for i, due_us in enumerate((900_000, 800_000, 700_000, 70_000)):
        at_us = 1_000 + 100 * i
        world.send(submitted(f"r-{i}", "work@1", at_us=at_us, deadline_us=due_us))
    world.run()
    order = [event.run for event in world.log if isinstance(event, OperationStarted)]
    assert order == ["r-0", "r-3", "r-2", "r-1"]

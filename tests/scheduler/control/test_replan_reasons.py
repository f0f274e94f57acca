"""Each turn that plans all pending work again counts a reason from a closed set."""

from __future__ import annotations

from scheduler.control.brain import Brain
from scheduler.control.commands import Command
from scheduler.control.events import Event
from scheduler.control.records import ReplanReason
from scheduler.model.problem import Band
from scheduler.simulation.agent import Faults
from scheduler.simulation.world import World
from tests.scheduler.site import added, agent_joined, brain, chain, fan, nature, single, submitted
from tests.scheduler.watched import Watched, dispatch_of, fail, start


class Counting(Brain):
    """Compares the counters of plans and of reasons after each event."""

    unexplained = 0

    def handle(self, event: Event) -> list[Command]:
        before = (self.plans(), self.reasons())
        commands = super().handle(event)
        self.unexplained += self.plans() > before[0] and self.reasons() == before[1]
        return commands

    def plans(self) -> int:
        return self.state.counters.get("replans", 0)

    def reasons(self) -> int:
        return sum(self.state.counters.get(f"replans_{why}", 0) for why in ReplanReason)


def counts(brain: Brain) -> dict[str, int]:
    found = brain.view(0).counters
    return {why: found[f"replans_{why}"] for why in ReplanReason if found[f"replans_{why}"]}


def test_each_turn_that_plans_again_has_a_reason() -> None:
    plain = brain()
    counting = Counting(oracle=plain.state.oracle, solvers=plain.state.solvers)
    world = World(counting, nature=nature(spread=0.8), faults=Faults(fail=0.1, crash=0.1), seed=1)
    for agent in "ab":
        world.join(agent, f"box-{agent}", agent_joined(agent, lanes=2).machines, 0)
    for workload in (single(), chain(), fan()):
        world.send(added(workload))
    for i in range(30):
        name = ("one@1", "chain@1", "fan@1")[i % 3]
        band = (Band.CRITICAL, Band.NORMAL, Band.BACKGROUND)[i % 3]
        world.send(submitted(f"r-{i}", name, at_us=7_000 * i, band=band))
    world.kill("b", 100_000, 150_000)
    world.run()
    assert counting.plans() > 10
    assert counting.unexplained == 0


def test_the_view_says_why_all_was_planned_again() -> None:
    watched = Watched()
    watched.feed(agent_joined("a"), agent_joined("b"), added(single()))
    dispatch = dispatch_of(watched.handle(submitted("r-1", at_us=100)), "r-1/only")
    watched.feed(start(dispatch, 200), fail(dispatch, 900))
    assert counts(watched) == {"fleet": 2, "submitted": 1, "failed": 1}

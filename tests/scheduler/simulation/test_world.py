"""Simulated time: one seed, one history; faults are survived."""

from __future__ import annotations

import msgspec

from scheduler.control.brain import BrainSettings
from scheduler.control.events import Event
from scheduler.control.records import RunState
from scheduler.model.messages import AgentLost, MachineDown, OperationFinished
from scheduler.simulation.agent import Faults
from scheduler.simulation.world import World
from tests.scheduler.site import added, agent_joined, chain, fan, nature, submitted
from tests.scheduler.site import brain as site_brain
from tests.scheduler.watched import Watched, records


def history(seed: int, faults: Faults | None = None) -> list[Event]:
    world = World(Watched(), nature=nature(spread=0.5), faults=faults, seed=seed)
    for agent in ("a", "b"):
        world.join(agent, f"box-{agent}", agent_joined(agent).machines, 0)
    world.send(added(chain()))
    world.send(added(fan()))
    for i in range(6):
        world.send(submitted(f"r-{i}", ("chain@1", "fan@1")[i % 2], at_us=1_000 * i))
    world.kill("b", 30_000, back_us=9_000_000)
    world.run()
    return world.log


def test_same_seed_gives_the_same_history_and_another_seed_another() -> None:
    first, again, other = (msgspec.json.encode(history(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_log_of_one_policy_folds_to_the_same_ends_under_another() -> None:
    log = history(1, Faults(crash=0.1))
    ends = []
    for placement in ("heft", "fastest_machine"):
        brain = site_brain(BrainSettings(placement=placement))
        last = {r.run: r for event in log for r in records(brain.handle(event))}
        ends.append({name: (record.state, record.outputs) for name, record in last.items()})
    assert ends[0] == ends[1]
    assert {state for state, _ in ends[0].values()} == {RunState.FINISHED}


def test_faults_happen_as_often_as_they_are_asked_for() -> None:
    log = history(1, Faults(crash=0.2, twice=0.5))
    assert any(isinstance(event, MachineDown) for event in log)
    assert any(isinstance(event, AgentLost) for event in log)
    ends = [(e.operation, e.attempt) for e in log if isinstance(e, OperationFinished)]
    assert len(ends) > len(set(ends))

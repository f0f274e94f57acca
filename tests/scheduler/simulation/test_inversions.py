"""Where work takes what was predicted, nothing less urgent goes before what is ready."""

from __future__ import annotations

from random import Random

from scheduler.control.brain import Brain
from scheduler.control.records import InversionKind
from scheduler.model.problem import Band
from scheduler.simulation.world import World
from tests.scheduler.site import added, agent_joined, brain, chain, fan, nature, single, submitted

WORKLOADS = ("one@1", "chain@1", "fan@1")


def after_a_mix(seed: int, *, boxes: tuple[str, ...], within_us: int) -> Brain:
    """A site of two lanes a box after 30 runs of all bands, which came within that time."""
    random, told = Random(seed), brain()
    world = World(told, nature=nature(), seed=seed)
    for box in boxes:
        world.join(box, f"box-{box}", agent_joined(box, lanes=2).machines, 0)
    for workload in (single(), chain(), fan()):
        world.send(added(workload))
    for i in range(30):
        at_us, band = random.randrange(within_us), Band(random.randrange(4))
        world.send(submitted(f"r-{i}", random.choice(WORKLOADS), at_us=at_us, band=band))
    world.run()
    return told

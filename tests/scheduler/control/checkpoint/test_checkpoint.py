"""A fold that goes on from a checkpoint gives the commands of a fold from nothing, to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cost_models.layers import Belief, Standing
from cost_models.oracle import Oracle
from scheduler.control import checkpoint
from scheduler.control.brain import Brain
from scheduler.control.events import CostModelChanged, Event
from scheduler.model.errors import InvalidCheckpoint
from scheduler.model.forms import Document
from scheduler.model.measuring import Load
from scheduler.model.messages import MachineReport
from scheduler.model.ports import CostQuery, Provenance
from scheduler.portfolio import placer
from scheduler.simulation.agent import Faults
from tests.scheduler.control.test_invariants import befall, mishaps, story
from tests.scheduler.site import SECOND_US, added, chain, submitted


class Trained:
    """A learned model that says of every model what its machine and its load were said to be."""

    knows_loads = True

    def __init__(self, us: int) -> None:
        self._us = us
        self._machines: dict[str, MachineReport] = {}

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        return [self._believe(query) for query in queries]

    def learn_machine(self, machine: MachineReport) -> None:
        self._machines[machine.id] = machine

    def _believe(self, query: CostQuery) -> Belief | None:
        machine = self._machines.get(query.machine)
        if machine is None:
            return None
        return Belief(
            level=log(self._us * len(machine.id)),
            variance=0.1,
            provenance=Provenance.LEARNED,
            slowdown=query.load.utilisation * 0.37 + len(query.load.neighbours) * 0.11,
        )


def models(digest: str) -> Standing:
    """Find a learned model by a digest that says how slow it thinks that everything is."""
    if not digest:
        return Standing(layers=())
    return Standing(layers=(Trained(int(digest)),), artifact={"digest": digest})


def fresh() -> Brain:
    solvers = {name: placer(name) for name in ("heft", "fastest_machine")}
    return Brain(oracle=Oracle(models=models), solvers=solvers)


def stored(brain: Brain) -> Document:
    """A checkpoint as it comes back from wherever it was kept."""
    data = msgspec.msgpack.encode(checkpoint.taken(brain))
    found: Document = msgspec.msgpack.decode(data)
    return found


def resumed(document: Document) -> Brain:
    brain = fresh()
    checkpoint.resume(brain, document)
    return brain


def said(brain: Brain, log: Sequence[Event]) -> list[bytes]:
    return [msgspec.json.encode(brain.handle(event)) for event in log]


def happened(seed: int, happenings: Sequence[tuple[str, int, int]] = ()) -> list[Event]:
    """The log of a site where things go wrong, and where a training ends on the way."""
    _, world = story(seed, runs=8, faults=Faults(fail=0.1, crash=0.05, refuse=0.2, twice=0.1))
    for what, at_us, more in happenings:
        befall(world, what, at_us, more)
    world.send(CostModelChanged(at_us=90_000, digest="700"))
    world.send(CostModelChanged(at_us=SECOND_US, digest="1300"))
    world.run()
    return world.log


@settings(max_examples=5, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1_000), mishaps, st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_a_fold_goes_on_from_any_checkpoint_as_from_nothing(
    seed: int, happenings: list[tuple[str, int, int]], shares: list[float]
) -> None:
    log = happened(seed, happenings)
    whole = said(fresh(), log)
    brain, at = fresh(), 0
    for place in sorted(int(share * len(log)) for share in shares):
        assert said(brain, log[at:place]) == whole[at:place]
        brain, at = resumed(stored(brain)), place
    assert said(brain, log[at:]) == whole[at:]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_read_back_is_what_was_written(seed: int) -> None:
    brain = fresh()
    for i, event in enumerate(happened(seed)):
        brain.handle(event)
        if i % 25 == 0:
            written = stored(brain)
            assert stored(resumed(written)) == written


def test_questions_leave_no_trace_in_a_checkpoint() -> None:
    brain = fresh()
    said(brain, [*happened(5), added(chain("asked"), at_us=3 * SECOND_US)])
    before = stored(brain)
    at_us = brain.state.now_us
    brain.preview(submitted("asked", "asked@1", at_us=at_us))
    brain.view(at_us)
    brain.costs(at_us)
    assert stored(brain) == before


def test_a_checkpoint_leaves_the_brain_as_it_is() -> None:
    log = happened(3)
    brain, watched = fresh(), fresh()
    for event in log:
        checkpoint.taken(watched)
        assert msgspec.json.encode(watched.handle(event)) == msgspec.json.encode(
            brain.handle(event)
        )


@pytest.mark.parametrize(
    "damage",
    [
        {"forms": [], "root": None},
        {"forms": [["state", ["now_us", "mood"]]], "root": [16, 0, "good"]},
        {"forms": [["poem", []]], "root": [16]},
        {"forms": [], "root": [2, [0, 99], None]},
        {"root": 5},
    ],
)
def test_data_that_hold_no_state_are_refused(damage: Document) -> None:
    brain = fresh()
    with pytest.raises(InvalidCheckpoint):
        checkpoint.resume(brain, damage)
    assert brain.state.now_us == 0


def test_what_is_idle_is_still_told_from_what_only_looks_so() -> None:
    brain = fresh()
    brain.state.sensed["m"] = (0, Load())
    again = resumed(stored(brain)).state
    assert again.sensed["m"][1] == Load()
    assert again.sensed["m"][1] is not resumed(stored(brain)).state.foreseen.get("m")

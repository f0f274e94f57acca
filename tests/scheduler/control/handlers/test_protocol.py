"""Service and agents one release apart work together; further apart they refuse by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.control.records import RunState
from scheduler.model.messages import KNOWN_PROTOCOLS, PROTOCOL, MachineUp
from tests.scheduler.site import added, agent_joined, single, submitted
from tests.scheduler.watched import Watched, dispatches, plans

NEXT = PROTOCOL + 1


@pytest.fixture
def brain() -> Watched:
    return Watched()


def test_an_agent_that_says_nothing_speaks_the_first_form() -> None:
    assert agent_joined().protocol == KNOWN_PROTOCOLS[0] == 1


@pytest.mark.parametrize("protocol", KNOWN_PROTOCOLS)
def test_an_agent_that_is_understood_is_spoken_to_in_its_own_form(
    brain: Watched, protocol: int
) -> None:
    commands = brain.feed(
        replace(agent_joined(), protocol=protocol), added(single()), submitted("r-1", at_us=1)
    )
    assert {plan.protocol for plan in plans(commands)} == {protocol}
    assert dispatches(commands)


def test_an_agent_of_a_later_form_gets_no_work_and_is_shown_with_the_reason(
    brain: Watched,
) -> None:
    joined = replace(agent_joined(), protocol=NEXT)
    up = MachineUp(at_us=2, machine="a/cpu0")
    commands = brain.feed(joined, added(single()), submitted("r-1", at_us=1), up)
    assert not dispatches(commands)
    (machine,) = brain.view(3).machines
    assert machine.state == "down"
    assert f"agent a speaks protocol {NEXT}" in machine.reason
    assert brain.run("r-1").state is RunState.QUEUED


def test_an_agent_that_was_updated_takes_work_again(brain: Watched) -> None:
    brain.feed(replace(agent_joined(), protocol=NEXT), added(single()), submitted("r-1", at_us=1))
    assert dispatches(brain.handle(agent_joined(incarnation="2", at_us=2)))

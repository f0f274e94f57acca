"""A core is set aside, or that is refused with a reason."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from api.process.cores import Division, divide
from api.process.settings import Settings
from devices.box.host import usable_cores
from scheduler.model.errors import InvalidInput

CORES = usable_cores()
needs_two = pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")


@pytest.fixture
def only_one() -> Iterator[None]:
    os.sched_setaffinity(0, CORES[:1])
    yield
    os.sched_setaffinity(0, CORES)


def test_nothing_is_set_aside_unasked(settings: Settings) -> None:
    assert divide(settings, (3,)) == Division(machines=(3,))


@needs_two
def test_no_machine_is_made_of_the_core_that_is_set_aside(settings: Settings) -> None:
    core, *others = CORES
    found = divide(replace(settings, control_core=core))
    assert found == Division(core, tuple(others), tuple(others))
    assert divide(replace(settings, control_core=core), CORES[:2]).machines == CORES[1:2]


def test_core_that_there_is_not_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match=r"must be one of the cores .*; got 4711"):
        divide(replace(settings, control_core=4711))


@pytest.mark.usefixtures("only_one")
def test_only_core_cannot_be_set_aside(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="needs a second core"):
        divide(replace(settings, control_core=CORES[0]))


@needs_two
def test_core_of_the_only_machine_cannot_be_set_aside(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="must leave one of --cores"):
        divide(replace(settings, control_core=CORES[0]), CORES[:1])


def test_environment_names_the_core() -> None:
    assert Settings.from_environment({}).control_core is None
    assert Settings.from_environment({"FJORD_CONTROL_CORE": "1"}).control_core == 1
    with pytest.raises(InvalidInput, match="FJORD_CONTROL_CORE must be a whole number"):
        Settings.from_environment({"FJORD_CONTROL_CORE": "last"})

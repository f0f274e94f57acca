"""Leases of an agent: what its workers are told of them, and what they tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from devices.agent.brain import events
from devices.agent.brain.instructions import AdmitCalls, Emit, FetchModel, Instruction
from devices.agent.brain.state import AgentState
from scheduler.model.messages import CallLease, CallPlace, CallsReported
from scheduler.model.problem import Band
from tests.agents import cpu_machines
from tests.devices.agent.brain.test_state import Driver, step

PLACES = (CallPlace(machine="a/cpu0", provider="cpu", expected_us=1_000),)


@pytest.fixture
def driver() -> Iterator[Driver]:
    driver = Driver(AgentState("a", "box", cpu_machines("a", 2)))
    driver.ready("a/cpu0", "a/cpu1")
    yield driver
    assert driver.state.violations() == []


def lease(**fields: Any) -> CallLease:
    given = {"id": "l-1", "epoch": 1, "digest": "d", "box": "box", "band": Band.NORMAL}
    return CallLease(**{**given, "places": PLACES, "until_us": 9_000_000, **fields})


def admitted(said: list[Instruction]) -> list[tuple[str, list[tuple[str, bool]]]]:
    return [
        (each.machine, [(grant.lease.id, grant.is_paused) for grant in each.grants])
        for each in said
        if isinstance(each, AdmitCalls)
    ]


def model_came(driver: Driver) -> list[Instruction]:
    return driver.feed(events.ModelReady, digest="d", path="/models/d")


def test_a_lease_opens_the_door_of_its_machine_once_the_model_is_here(driver: Driver) -> None:
    said = driver.plan(leases=(lease(),))
    assert FetchModel(digest="d") in said
    assert admitted(said) == []
    assert admitted(model_came(driver)) == [("a/cpu0", [("l-1", False)])]


def test_a_worker_is_told_only_what_is_new(driver: Driver) -> None:
    driver.plan(leases=(lease(),))
    model_came(driver)
    assert admitted(driver.plan(leases=(lease(),))) == []
    renewed = driver.plan(leases=(lease(until_us=19_000_000),))
    assert admitted(renewed) == [("a/cpu0", [("l-1", False)])]


def test_a_lease_that_a_plan_does_not_name_has_ended(driver: Driver) -> None:
    driver.plan(leases=(lease(),))
    model_came(driver)
    assert admitted(driver.plan()) == [("a/cpu0", [])]
    assert admitted(driver.plan()) == []


def test_calls_pause_while_more_urgent_work_is_queued(driver: Driver) -> None:
    driver.plan(leases=(lease(),))
    model_came(driver)
    like, urgent = step("like", band=Band.NORMAL), step("urgent", band=Band.CRITICAL)
    assert admitted(driver.plan(like, urgent, leases=(lease(),))) == [("a/cpu0", [("l-1", True)])]
    # The first of them runs, and no call goes between it and the urgent one.
    assert admitted(driver.finish("like")) == [("a/cpu0", [("l-1", False)])]


def test_a_new_worker_is_told_what_holds(driver: Driver) -> None:
    driver.plan(leases=(lease(),))
    model_came(driver)
    assert admitted(driver.die("a/cpu0")) == []
    again = driver.feed(events.WorkerReady, machine="a/cpu0")
    assert admitted(again) == [("a/cpu0", [("l-1", False)])]


def test_an_agent_that_leaves_shuts_its_doors(driver: Driver) -> None:
    driver.plan(leases=(lease(),))
    model_came(driver)
    assert admitted(driver.feed(events.DrainRequested)) == [("a/cpu0", [])]


def test_calls_are_told_under_their_lease_also_after_it_has_ended(driver: Driver) -> None:
    driver.plan(leases=(lease(),))
    model_came(driver)
    driver.plan()
    said = served(driver, "l-1")
    (report,) = [each.report for each in said if isinstance(each, Emit)]
    assert isinstance(report, CallsReported)
    assert (report.agent, report.digest, report.provider) == ("a", "d", "cpu")
    assert (report.done, report.busy_us) == (3, 900)
    assert served(driver, "l-0") == []


def served(driver: Driver, name: str) -> list[Instruction]:
    times = {"p50_us": 300, "p95_us": 310, "waited_us": 5, "revocation_us": 0, "load_us": 0}
    ends = {"done": 3, "failed": 0, "refused": 0, "late": 0, "busy_us": 900}
    return driver.feed(
        events.WorkerServedCalls, machine="a/cpu0", lease=name, since_us=1, **ends, **times
    )

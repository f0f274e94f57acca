"""Projects with scarce resources, and Standard Task Graphs."""

from __future__ import annotations

import pytest

from scheduler.instances import parse
from scheduler.model.errors import InvalidInstance
from scheduler.model.problem import Demand, Resource
from tests.scheduler.instances.files import FILES, load, read


def project(duration: int = 0, budget: int = 0) -> str:
    """Write a project of 1 -> 2 -> 3 -> 4, in which activity 2 takes this long and this much."""
    return f"""
PRECEDENCE RELATIONS:
jobnr.    #modes  #successors   successors
1 1 1 2
2 1 1 3
3 1 1 4
4 1 0
****
REQUESTS/DURATIONS:
jobnr. mode duration  R 1  N 1
----
1 1 0 0 0
2 1 {duration} 1 {budget}
3 1 5 2 3
4 1 0 0 0
****
RESOURCEAVAILABILITIES:
  R 1  N 1
  4  9
****
"""


def test_a_project_runs_on_one_machine_that_takes_any_number_at_once() -> None:
    problem = load("psplib/j3010_1.sm").problem
    assert [machine.exclusive for machine in problem.machines] == [False]
    assert len(problem.operations) == 30
    assert all(resource.renewable for resource in problem.resources)


def test_dummies_are_left_out_and_numbers_stay_those_of_the_file() -> None:
    instance = load("psplib/j3010_1.sm")
    assert instance.operation_numbers == tuple(range(2, 32))


def test_modes_take_renewable_resources_and_budgets() -> None:
    problem = load("psplib/j1010_1.mm").problem
    assert problem.resources == (
        Resource(id="R1", capacity=11),
        Resource(id="R2", capacity=9),
        Resource(id="N1", capacity=42, renewable=False),
        Resource(id="N2", capacity=17, renewable=False),
    )
    modes = problem.operation("a2").modes
    assert [mode.duration_us for mode in modes] == [1, 4, 6]
    assert modes[1].demands == (Demand(resource="R2", amount=4), Demand(resource="N1", amount=7))


def test_what_takes_nothing_is_left_out_and_keeps_its_order() -> None:
    instance = read(project(duration=0))
    assert instance.operation_numbers == (3,)
    assert instance.us_per_unit == 1


def test_what_takes_a_budget_but_no_time_stays() -> None:
    instance = read(project(duration=0, budget=2))
    assert [(e.source, e.target) for e in instance.problem.edges] == [("a2", "a3")]
    times_us = [o.modes[0].duration_us for o in instance.problem.operations]
    assert times_us[0] == 1
    assert instance.value(sum(times_us)) == 5


def test_a_task_runs_on_any_of_the_processors_that_the_name_says() -> None:
    instance = load("stg/rand0000.stg@3")
    assert len(instance.problem.operations) == 50
    assert {len(o.modes) for o in instance.problem.operations} == {3}
    assert instance.operation_numbers == tuple(range(1, 51))
    assert instance.problem.name == "rand0000.stg"


def test_an_argument_says_how_many_processors_as_well() -> None:
    data = (FILES / "stg/rand0000.stg").read_bytes()
    assert len(parse(data, "rand0000.stg", processors=2).problem.machines) == 2


def test_task_graphs_need_a_number_of_processors() -> None:
    with pytest.raises(InvalidInstance, match=r"wants the number of processors, as in FILE.stg@4"):
        load("stg/rand0000.stg")

"""Task graphs, workflows and our own problems, as JSON."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings

from scheduler.instances import parse, write
from scheduler.model.problem import Problem
from tests.scheduler import strategies
from tests.scheduler.instances.files import COMPACT, FT06, WORKFLOW, load, read

GRAPH = {
    "task_graph": {
        "tasks": [{"name": "a", "cost": 3.0}, {"name": "b", "cost": 1.0}],
        "dependencies": [{"source": "a", "target": "b", "size": 2.0}],
    },
    "network": {
        "nodes": [{"name": "slow", "speed": 0.5}, {"name": "fast", "speed": 4.0}],
        "edges": [
            {"source": "slow", "target": "fast", "speed": 8.0},
            {"source": "slow", "target": "slow", "speed": 1e9},
        ],
    },
}


def test_times_are_costs_and_sizes_by_speeds() -> None:
    instance = read(json.dumps(GRAPH))
    problem = instance.problem
    times = [[instance.value(m.duration_us) for m in o.modes] for o in problem.operations]
    assert times == [[6.0, 0.75], [2.0, 0.25]]
    # The one direction counts for both.
    for ends in (("slow", "fast"), ("fast", "slow")):
        assert instance.value(problem.transfer_us(problem.edges[0], *ends)) == 0.25


def test_times_that_are_not_whole_err_by_less_than_a_millionth() -> None:
    graph = json.loads(json.dumps(GRAPH).replace("0.5", "0.3").replace("8.0", "0.7"))
    instance = read(json.dumps(graph))
    problem = instance.problem
    times = [[instance.value(m.duration_us) for m in o.modes] for o in problem.operations]
    assert times[0] == pytest.approx([10.0, 0.75], rel=1e-6)
    transfer_us = problem.transfer_us(problem.edges[0], "slow", "fast")
    assert instance.value(transfer_us) == pytest.approx(2 / 0.7, rel=1e-6)


def test_a_network_within_a_dozen_digits_keeps_its_times() -> None:
    instance = load("dagbench/iot.riotbench_predict.json")
    costs = [m.duration_us for o in instance.problem.operations for m in o.modes]
    assert instance.value(max(costs)) == pytest.approx(50.0, rel=1e-6)


@pytest.mark.parametrize(
    ("path", "first_times", "edges"),
    [("topcuoglu2002", [14, 16, 9], 15), ("arabnejad2014_peft", [22, 21, 36], 15)],
)
def test_ten_task_examples_count_tasks_from_one(
    path: str, first_times: list[int], edges: int
) -> None:
    instance = load(f"heft/{path}.json")
    assert instance.operation_numbers == tuple(range(1, 11))
    assert [mode.duration_us for mode in instance.problem.operations[0].modes] == first_times
    assert len(instance.problem.edges) == edges


def test_the_time_of_an_edge_is_the_same_between_any_two_processors() -> None:
    problem = load("heft/topcuoglu2002.json").problem
    edge = problem.edges[0]
    assert {problem.transfer_us(edge, a, b) for a, b in [("m0", "m1"), ("m2", "m0")]} == {18}


@pytest.mark.parametrize("text", [WORKFLOW, COMPACT])
def test_a_workflow_takes_cores_of_the_machines_that_have_enough(text: str) -> None:
    instance = read(text)
    cut, sew = instance.problem.operations
    assert [(m.machine, m.demands[0].amount) for m in cut.modes] == [("big", 2)]
    assert [(m.machine, m.demands[0].amount) for m in sew.modes] == [("big", 1), ("small", 1)]
    assert [instance.value(o.modes[0].duration_us) for o in (cut, sew)] == [1.25, 0.000004]
    assert [(e.source, e.target, e.size_bytes) for e in instance.problem.edges] == [
        ("t0", "t1", 70)
    ]


def test_a_workflow_without_machines_runs_as_wide_as_it_is() -> None:
    data = json.loads(WORKFLOW)
    del data["workflow"]["execution"]["machines"]
    problem = read(json.dumps(data)).problem
    assert [resource.capacity for resource in problem.resources] == [3]


@given(strategies.problems())
@settings(max_examples=30)
def test_a_problem_that_is_written_is_read_again(problem: Problem) -> None:
    assert read(write(problem), "own.json").problem == problem


@pytest.mark.parametrize(
    "path", ["fjsp/k1.txt", "psplib/j1010_1.mm", "dagbench/classic.cholesky_4.json"]
)
def test_what_other_formats_say_can_be_said_in_ours(path: str) -> None:
    problem = load(path).problem
    again = parse(gzip.compress(write(problem).encode()), "own.json.gz")
    assert again.problem == problem
    assert again.format == "fjord"
    assert again.machine_numbers == tuple(machine.id for machine in problem.machines)


def test_packed_files_are_read_like_others() -> None:
    packed = parse(gzip.compress(FT06.encode()), "dir/ft06.txt.gz")
    assert packed.problem == read(FT06, "ft06.txt").problem
    assert packed.problem.name == "ft06.txt"

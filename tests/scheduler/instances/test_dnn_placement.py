"""Networks to place: as a problem, and what a split is worth in the paper's words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from scheduler.instances import dnn_values
from scheduler.instances.dnn_placement import HOST, Placement, read_placement
from scheduler.instances.dnn_splitting import contiguous_split
from scheduler.instances.reading import Node
from scheduler.model.errors import InvalidInstance
from scheduler.model.schedule import Assignment, Schedule
from tests.scheduler.instances.files import FILES, PLACEMENT, load, read

ON_HOST = dnn_values.ON_HOST


@pytest.fixture
def tiny() -> Placement:
    """10 -> 11 -> 13 and 10 -> 12 -> 13, of which only 12 must be on the host."""
    return read_placement(Node(json.loads(PLACEMENT)))


def network(name: str) -> Placement:
    return read_placement(Node(json.loads((FILES / "dnn_placement" / name).read_text())))


def expert_split(placement: Placement) -> list[int]:
    text = (FILES / "dnn_placement/bert24_inference_expert.json").read_text()
    accelerators = enumerate(json.loads(text)["fpgas"])
    where = {number: i for i, part in accelerators for number in part["nodes"]}
    return [where.get(node.number, ON_HOST) for node in placement.nodes]


def test_accelerators_have_memory_and_the_host_has_cores() -> None:
    instance = read(PLACEMENT)
    problem = instance.problem
    assert [m.memory_bytes for m in problem.machines] == [100, 100, None]
    assert [m.exclusive for m in problem.machines] == [True, True, False]
    assert instance.machine_numbers == (0, 1, HOST)
    assert instance.operation_numbers == (10, 11, 12, 13)
    assert [resource.capacity for resource in problem.resources] == [8]
    assert [m.machine for m in problem.operation("n12").modes] == [HOST]
    assert {m.resident_bytes for m in problem.operation("n10").modes[:2]} == {60}


def test_an_output_goes_through_the_host() -> None:
    instance = read(PLACEMENT)
    problem, edge = instance.problem, instance.problem.edges[0]
    out_us = problem.transfer_us(edge, "accelerator0", HOST)
    assert instance.value(out_us) == 0.5
    assert problem.transfer_us(edge, HOST, "accelerator1") == out_us
    assert problem.transfer_us(edge, "accelerator0", "accelerator1") == 2 * out_us


def test_a_published_network_keeps_its_times() -> None:
    instance = load("dnn_placement/bert24_inference.json")
    longest_us = sum(o.modes[-1].duration_us for o in instance.problem.operations)
    total = json.loads((FILES / "dnn_placement/bert24_inference.json").read_text())
    assert instance.value(longest_us) == pytest.approx(
        sum(node["cpuLatency"] for node in total["nodes"]), rel=1e-6
    )


@pytest.mark.parametrize(
    ("split", "latency"),
    [
        # All on the host: 30, then the longer of 20 and 5, then 40.
        ([ON_HOST, ON_HOST, ON_HOST, ON_HOST], 90.0),
        # 10 and 11 on one: 3 + 2, both outputs out: 0.5 + 0.25. Then 12: 5. Then 13: 40.
        ([0, 0, ON_HOST, ON_HOST], 5.75 + 5 + 40),
        # 13 on the other: in 0.25 + 1.0, and 4.
        ([0, 0, ON_HOST, 1], 5.75 + 5 + 1.25 + 4),
        # 13 on the same: a second piece, for the path through 12 leaves it and comes back. Sent
        # are 0.5 and 0.25; received, by a piece of its own, 0.25 and 1.0.
        ([0, 0, ON_HOST, 0], 5.75 + 5 + 1.25 + 4),
    ],
)
def test_a_piece_receives_runs_and_sends_one_after_another(
    tiny: Placement, split: list[int], latency: float
) -> None:
    assert dnn_values.latency(tiny, split) == pytest.approx(latency)


def test_a_path_that_comes_back_comes_back_to_a_later_piece(tiny: Placement) -> None:
    assert dnn_values.pieces(tiny, [0, 0, ON_HOST, 0]) == [0, 0, 0, 1]
    assert dnn_values.pieces(tiny, [0, 0, ON_HOST, 1]) == [0, 0, 0, 0]


def test_pieces_that_wait_for_each_other_have_no_latency() -> None:
    nodes = json.loads(PLACEMENT)
    # 10 -> 11 and 13 -> 12, with 10 and 12 on one accelerator and 11 and 13 on the other.
    nodes["edges"] = [
        {"sourceId": 10, "destId": 11, "cost": 1}, {"sourceId": 13, "destId": 12, "cost": 1}
    ]  # fmt: skip
    placement = read_placement(Node(nodes))
    assert dnn_values.latency(placement, [0, 1, 0, 1]) is None


def test_the_busiest_device_pays_each_output_and_each_input_once(tiny: Placement) -> None:
    # The first accelerator: 3 + 2, out 0.5 + 0.25. The second: 4, in 0.25 + 1.0. The host: 5.
    assert dnn_values.max_load(tiny, [0, 0, ON_HOST, 1]) == pytest.approx(5.75)


def test_values_are_those_of_the_programs_of_the_paper() -> None:
    bert = network("bert24_inference.json")
    assert dnn_values.latency(bert, expert_split(bert)) == pytest.approx(111.937, abs=5e-4)
    assert dnn_values.latency(bert, [ON_HOST] * len(bert.nodes)) == pytest.approx(924.06)
    bert = network("bert24_inference_throughput.json")
    assert dnn_values.max_load(bert, expert_split(bert)) == pytest.approx(20.084, abs=5e-4)
    assert dnn_values.max_load(bert, [0] * len(bert.nodes)) == pytest.approx(92.406)


def test_refusals_name_what_makes_a_split_impossible(tiny: Placement) -> None:
    assert dnn_values.refusals(tiny, [0, 0, ON_HOST, 1]) == []
    assert dnn_values.refusals(tiny, [0, 0, 1, 0]) == [
        "node 12 does not run on an accelerator",
        "accelerator 0 holds 150 of 100 bytes",
    ]
    bert = network("bert24_inference.json")
    assert dnn_values.refusals(bert, expert_split(bert)) == [
        "there are 5 accelerators, but 6 are used"
    ]


def test_the_best_cuts_of_a_chain_use_what_fits(tiny: Placement) -> None:
    # 10 and 11 fit together and 13 goes apart: 3 + 2 + 0.75, then 5 on the host, then 1.25 + 4.
    split = contiguous_split(tiny)
    assert dnn_values.refusals(tiny, split) == []
    assert dnn_values.latency(tiny, split) == pytest.approx(5.75 + 5 + 1.25 + 4)


def test_a_published_network_is_split_as_well_as_the_paper_does() -> None:
    bert = network("bert24_inference.json")
    split = contiguous_split(bert)
    assert dnn_values.refusals(bert, split) == []
    assert max(dnn_values.pieces(bert, split)) == 0
    latency = dnn_values.latency(bert, split)
    assert latency is not None
    assert latency <= 100.2185 + 1e-4  # the value of greedy.cpp


def test_a_node_without_a_place_leaves_no_split(tiny: Placement) -> None:
    with pytest.raises(InvalidInstance, match="must each have an accelerator or a core"):
        contiguous_split(replace(tiny, cores=0))


def test_a_plan_makes_a_split(tiny: Placement) -> None:
    problem = read(PLACEMENT).problem
    modes = [0, 0, 0, 1]
    schedule = Schedule(
        assignments=tuple(
            Assignment(operation=o.id, mode=m, machine=o.modes[m].machine, start_us=0, end_us=1)
            for o, m in zip(problem.operations, modes, strict=True)
        )
    )
    assert dnn_values.split_of(problem, schedule) == [0, 0, ON_HOST, 1]

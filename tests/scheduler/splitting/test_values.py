"""Values of a split, as the paper defines them."""

from __future__ import annotations

import json

import pytest

from scheduler.instances.dnn_placement import read_placement
from scheduler.instances.network import PlacementProblem
from scheduler.instances.reading import Node
from scheduler.splitting import values
from tests.scheduler.instances.files import PLACEMENT
from tests.scheduler.splitting.networks import expert_split, network

ON_HOST = values.ON_HOST


@pytest.fixture
def tiny() -> PlacementProblem:
    """10 -> 11 -> 13 and 10 -> 12 -> 13, of which only 12 must be on the host."""
    return read_placement(Node(json.loads(PLACEMENT)))


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
    tiny: PlacementProblem, split: list[int], latency: float
) -> None:
    assert values.latency(tiny, split) == pytest.approx(latency)


def test_a_path_that_comes_back_comes_back_to_a_later_piece(tiny: PlacementProblem) -> None:
    assert values.pieces(tiny, [0, 0, ON_HOST, 0]) == [0, 0, 0, 1]
    assert values.pieces(tiny, [0, 0, ON_HOST, 1]) == [0, 0, 0, 0]


def test_pieces_that_wait_for_each_other_have_no_latency() -> None:
    nodes = json.loads(PLACEMENT)
    # 10 -> 11 and 13 -> 12, with 10 and 12 on one accelerator and 11 and 13 on the other.
    nodes["edges"] = [
        {"sourceId": 10, "destId": 11, "cost": 1}, {"sourceId": 13, "destId": 12, "cost": 1}
    ]  # fmt: skip
    placement = read_placement(Node(nodes))
    assert values.latency(placement, [0, 1, 0, 1]) is None


def test_the_busiest_device_pays_each_output_and_each_input_once(tiny: PlacementProblem) -> None:
    # The first accelerator: 3 + 2, out 0.5 + 0.25. The second: 4, in 0.25 + 1.0. The host: 5.
    assert values.max_load(tiny, [0, 0, ON_HOST, 1]) == pytest.approx(5.75)


def test_values_are_those_of_the_programs_of_the_paper() -> None:
    bert = network("bert24_inference.json")
    assert values.latency(bert, expert_split(bert)) == pytest.approx(111.937, abs=5e-4)
    assert values.latency(bert, [ON_HOST] * len(bert.nodes)) == pytest.approx(924.06)
    bert = network("bert24_inference_throughput.json")
    assert values.max_load(bert, expert_split(bert)) == pytest.approx(20.084, abs=5e-4)
    assert values.max_load(bert, [0] * len(bert.nodes)) == pytest.approx(92.406)

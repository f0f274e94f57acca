"""Networks to place, as problems."""

from __future__ import annotations

import json

import pytest

from scheduler.instances.network import HOST
from tests.scheduler.instances.files import FILES, PLACEMENT, load, read


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

from typing import Any

from api.tools.demo.verify import edges, violations
from scheduler.model.problem import Edge

WORKLOAD = {
    "name": "two",
    "stages": [
        {"name": "a", "function": "f", "inputs": {"x": "image"}},
        {"name": "b", "function": "f", "inputs": {"x": "a.y"}},
        {"name": "c", "function": "f", "for_each": "b.list", "inputs": {"x": "b.list"}},
        {"name": "d", "function": "f", "for_each": "b.list", "inputs": {"x": "c.y"}},
    ],
}


def record(*operations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"run": "r-1", "submitted_us": 1_000, "operations": list(operations)} | changes


def operation(name: str, started_us: int, ended_us: int, **changes: Any) -> dict[str, Any]:
    return {
        "operation": f"r-1/{name}",
        "run": "r-1",
        "stage": name[0],
        "item": None,
        "state": "done",
        "machine": "box/cpu0",
        "started_us": started_us,
        "ended_us": ended_us,
    } | changes


def test_one_after_the_other_breaks_no_law() -> None:
    first, second = operation("a", 1_000, 1_500), operation("b", 1_500, 1_600)
    assert violations([record(first, second)], WORKLOAD) == []


def test_two_at_once_on_one_machine_are_found() -> None:
    first, second = operation("a", 1_000, 1_500), operation("a2", 1_400, 1_600)
    assert len(violations([record(first, second)], WORKLOAD)) == 1


def test_a_start_before_the_input_was_there_is_found() -> None:
    first = operation("a", 1_000, 1_500)
    second = operation("b", 1_400, 1_600, machine="box/cpu1")
    assert len(violations([record(first, second)], WORKLOAD)) == 1


def test_a_start_before_the_submission_is_found() -> None:
    earlier = record(run="r-0", submitted_us=100)
    assert len(violations([earlier, record(operation("a", 900, 1_500))], WORKLOAD)) == 1


def test_items_wait_for_their_own_only() -> None:
    run = record(
        operation("c[0]", 1_000, 1_900, item=0),
        operation("c[1]", 1_000, 1_200, item=1, machine="box/cpu1"),
        operation("d[1]", 1_200, 1_300, item=1, machine="box/cpu1"),
    )
    assert edges(run, WORKLOAD) == [Edge(source="r-1/c[1]", target="r-1/d[1]")]
    assert violations([run], WORKLOAD) == []

from typing import Any

from api.demo.verify import violations


def record(*operations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"run": "r-1", "submitted_us": 1_000, "operations": list(operations)} | changes


def operation(name: str, started_us: int, ended_us: int, **changes: Any) -> dict[str, Any]:
    return {
        "operation": f"r-1/{name}",
        "run": "r-1",
        "state": "done",
        "machine": "box/cpu0",
        "started_us": started_us,
        "ended_us": ended_us,
        "waits_for": (),
    } | changes


def test_one_after_the_other_breaks_no_law() -> None:
    first, second = operation("a", 1_000, 1_500), operation("b", 1_500, 1_600)
    assert violations([record(first, second)]) == []


def test_two_at_once_on_one_machine_are_found() -> None:
    first, second = operation("a", 1_000, 1_500), operation("b", 1_400, 1_600)
    assert len(violations([record(first, second)])) == 1


def test_a_start_before_the_input_was_there_is_found() -> None:
    first = operation("a", 1_000, 1_500)
    second = operation("b", 1_400, 1_600, machine="box/cpu1", waits_for=("r-1/a",))
    assert len(violations([record(first, second)])) == 1


def test_a_start_before_the_submission_is_found() -> None:
    earlier = record(run="r-0", submitted_us=100)
    assert len(violations([earlier, record(operation("a", 900, 1_500))])) == 1

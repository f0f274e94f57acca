"""Many runs waited for at once: what is asked, and in which order they come."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fjord import Run
from fjord.client.calls.gathering import FIRST_LISTED, Waiting
from fjord.client.wire import Pause, Request


def record(run: str, ended_us: int = 0) -> dict[str, Any]:
    state = "finished" if ended_us else "running"
    return {"run": run, "state": state, "ended_us": ended_us or None}


def ended(waiting: Waiting, *answers: dict[str, Any]) -> tuple[list[Request], list[str]]:
    """Answer the questions of one wait; give them, and the runs that ended."""
    steps, left, requests = waiting.next_ended(), list(answers), []
    try:
        step = next(steps)
        while True:
            if isinstance(step, Pause):
                step = steps.send(None)  # type: ignore[arg-type]
                continue
            requests.append(step)
            step = steps.send(httpx.Response(200, json=left.pop(0)))
    except StopIteration as stop:
        return requests, [run.id for run in stop.value]


def test_runs_come_in_the_order_of_their_ends_and_each_once() -> None:
    waiting = Waiting(["r-1", "r-2", "r-3", "r-1"], 60.0)
    listed = [record("r-9", 1), record("r-1", 30), record("r-2", 20), record("r-3")]
    _, first = ended(waiting, {"runs": listed})
    assert first == ["r-2", "r-1"]
    _, rest = ended(waiting, {"runs": [record("r-3")]}, {"runs": [record("r-3", 40)]})
    assert rest == ["r-3"]
    assert not waiting


def test_runs_that_had_ended_are_given_without_a_question() -> None:
    requests, first = ended(Waiting([Run("r-1", "failed", record("r-1")), "r-2"], 60.0))
    assert (requests, first) == ([], ["r-1"])


def test_a_run_behind_the_end_of_the_list_is_found_in_a_longer_one_or_by_itself() -> None:
    others = [record(f"r-x{i}", 1) for i in range(FIRST_LISTED + 1)]
    requests, found = ended(
        Waiting(["r-1"], 60.0), {"runs": others}, {"runs": others}, record("r-1", 5)
    )
    assert found == ["r-1"]
    assert [each.params.get("limit") for each in requests] == ["51", "102", None]
    assert requests[-1].path == "/v1/runs/r-1"


def test_a_wait_whose_time_is_over_says_how_many_runs_are_left() -> None:
    with pytest.raises(TimeoutError, match="1 runs have not ended after 0 s"):
        ended(Waiting(["r-1"], 0.0), {"runs": [record("r-1")]})

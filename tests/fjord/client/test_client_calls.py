"""The methods, driven by hand: their requests, and their reading of answers. Nothing is sent."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from fjord import FjordApiError, NotFinished, PartlySubmitted, Run, RunFailed
from fjord.client import calls
from fjord.client.wire import Input, Pause, Request, Steps, arguments, checked


def answer(steps: Steps[Any], *answers: Any) -> tuple[list[Request], Any]:
    """Give each request its answer; return the requests and what the method returned."""
    requests, waiting = [], iter(answers)
    try:
        step = next(steps)
        while True:
            response = None
            if isinstance(step, Request):
                requests.append(step)
                response = as_response(next(waiting))
            step = steps.send(response)  # type: ignore[arg-type]
    except StopIteration as stop:
        return requests, stop.value


def as_response(given: Any) -> httpx.Response:
    return given if isinstance(given, httpx.Response) else httpx.Response(200, json=given)


def parts(request: Request) -> Iterator[tuple[str, str | None, bytes]]:
    return ((name, file, content) for name, (file, content, _) in request.files)


def test_a_run_without_inputs_is_plain_json() -> None:
    (request,), run = answer(
        calls.submit("a b", {}, priority="high", deadline_ms=5, wait_s=2), {"run": "r-1"}
    )
    assert (request.method, request.path) == ("POST", "/v1/workloads/a%20b/runs")
    assert request.params == {"wait_s": "2"}
    assert request.body == {
        "deadline_ms": 5,
        "priority": "high",
        "on_late": "drop",
        "allow": [],
        "forbid": [],
    }
    assert run == Run("r-1", "queued", {})


def test_arrays_go_as_npy_lists_as_npz_and_bytes_and_paths_as_they_are(tmp_path: Path) -> None:
    image = tmp_path / "page.png"
    image.write_bytes(b"png")
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    inputs: dict[str, Input] = {
        "x": array,
        "many": [array, array + 1],
        "raw": b"raw",
        "page": image,
    }
    (request,), _ = answer(calls.submit("w", inputs), {"run": "r-1"})
    (settings, *given) = list(parts(request))
    assert settings[0] == "settings"
    assert json.loads(settings[2])["priority"] == "normal"
    by_name = {name: (file, content) for name, file, content in given}
    assert by_name["raw"] == ("raw.bin", b"raw")
    assert by_name["page"] == ("page.png", b"png")
    assert by_name["x"][0] == "x.npy"
    np.testing.assert_array_equal(np.load(io.BytesIO(by_name["x"][1])), array)
    assert by_name["many"][0] == "many.npz"
    many = np.load(io.BytesIO(by_name["many"][1]))
    np.testing.assert_array_equal(many[sorted(many.files)[1]], array + 1)


def test_texts_go_as_fields_in_json_that_keep_all_of_them() -> None:
    declared = [
        {"name": "one", "dtype": "string", "shape": [-1]},
        {"name": "many", "dtype": "string", "shape": [-1], "is_list": True},
    ]
    texts = ["ends in NUL\0", "", "x" * 100]
    inputs: dict[str, Input] = {"one": np.array(texts, dtype=object), "many": [texts, "ä"]}
    (_, request), _ = answer(calls.submit("w", inputs), {"inputs": declared}, {"run": "r-1"})
    sent = {name: (file, json.loads(content)) for name, file, content in parts(request)}
    one = {"dtype": "string", "shape": [3], "data": texts}
    assert sent["one"] == (None, one)
    assert sent["many"] == (None, [one, {"dtype": "string", "shape": [1], "data": ["ä"]}])


def test_a_dry_run_sends_no_inputs_unless_it_has_some() -> None:
    (request,), preview = answer(calls.plan("w"), {"makespan_us": 5})
    assert (request.path, request.files) == ("/v1/workloads/w/plan", ())
    assert preview == {"makespan_us": 5}


def test_waiting_asks_again_until_the_run_has_ended() -> None:
    requests, run = answer(
        calls.wait("r-1"),
        {"run": "r-1", "state": "running"},
        {"run": "r-1", "state": "failed", "reason": "error", "detail": "no such box"},
    )
    assert len(requests) == 2
    assert (run.state, run.is_final, run.reason) == ("failed", True, "error no such box")


def test_waiting_gives_up_when_its_time_is_over() -> None:
    with pytest.raises(TimeoutError, match="r-1 is still running after 0 s"):
        answer(calls.wait("r-1", timeout_s=0), {"run": "r-1", "state": "running"})


def test_inline_results_become_arrays_and_lists_of_text() -> None:
    record = {
        "run": "r-1",
        "state": "finished",
        "results": {
            "boxes": {"dtype": "int64", "shape": [2, 2], "data": [1, 2, 3, 4]},
            "lines": {"dtype": "string", "shape": [2], "data": ["a", "b"]},
            "parts": [{"dtype": "float32", "shape": [1], "data": [0.5]}],
        },
    }
    requests, results = answer(calls.results(Run("r-1", "finished", record)))
    assert requests == []
    np.testing.assert_array_equal(results["boxes"], np.array([[1, 2], [3, 4]]))
    assert results["lines"] == ["a", "b"]
    assert [part.dtype for part in results["parts"]] == [np.float32]


def test_texts_are_a_list_also_when_they_come_as_a_file() -> None:
    file = io.BytesIO()
    np.save(file, np.array(["a", "b"]))
    answered = httpx.Response(200, content=file.getvalue(), headers={"content-type": "x"})
    record = {"run": "r-1", "state": "finished", "outputs": {"lines": {}}}
    _, results = answer(calls.results("r-1"), record, answered)
    assert results == {"lines": ["a", "b"]}


def test_large_results_are_fetched_as_files() -> None:
    array = np.ones((2, 2), dtype=np.float32)
    file = io.BytesIO()
    np.save(file, array)
    requests, results = answer(
        calls.results("r-1"),
        {"run": "r-1", "state": "finished", "outputs": {"map": {}}},
        httpx.Response(200, content=file.getvalue(), headers={"content-type": "application/x-npy"}),
    )
    assert [request.path for request in requests] == ["/v1/runs/r-1", "/v1/runs/r-1/outputs/map"]
    np.testing.assert_array_equal(results["map"], array)


def test_results_of_a_record_that_has_its_outputs_are_fetched_without_asking_for_it_again() -> None:
    run = Run("r-1", "finished", {"run": "r-1", "state": "finished", "outputs": {"n": {}}})
    (request,), _ = answer(calls.results(run), {"dtype": "int8", "shape": [], "data": 1})
    assert request.path == "/v1/runs/r-1/outputs/n"


def test_results_of_a_run_that_failed_say_why_also_where_the_answer_to_a_wait_had_none() -> None:
    failed = {"run": "r-1", "state": "failed", "reason": "error", "detail": "no", "results": {}}
    with pytest.raises(RunFailed, match="run r-1 is failed: error no") as raised:
        answer(calls.results(Run("r-1", "failed", failed)))
    assert (raised.value.reason, raised.value.detail, raised.value.run) == ("error", "no", "r-1")


def test_results_of_a_run_that_waits_are_asked_for_anew_and_then_refused_with_its_reason() -> None:
    waiting = {"run": "r-1", "state": "queued", "reason": "no_machine", "detail": "none is up"}
    with pytest.raises(NotFinished, match="run r-1 is queued: no_machine none is up") as raised:
        answer(calls.results(Run("r-1")), waiting)
    assert raised.value.state == "queued"


def test_many_runs_are_submitted_in_order_with_the_same_settings() -> None:
    inputs = [{"x": np.full(1, i)} for i in range(2)]
    requests, runs = answer(
        calls.submit_many("w", inputs, priority="high"), {"run": "r-1"}, {"run": "r-2"}
    )
    assert [run.id for run in runs] == ["r-1", "r-2"]
    for request, given in zip(requests, inputs, strict=True):
        (settings, array) = list(parts(request))
        assert json.loads(settings[2])["priority"] == "high"
        np.testing.assert_array_equal(np.load(io.BytesIO(array[2])), given["x"])


def test_a_refusal_in_the_middle_of_many_runs_names_those_that_were_accepted() -> None:
    steps = calls.submit_many("w", [{}, {}, {}])
    next(steps)
    steps.send(as_response({"run": "r-1"}))
    with pytest.raises(PartlySubmitted, match=r"1 runs were accepted.*queue full") as raised:
        steps.throw(FjordApiError(429, "queue full"))
    assert [run.id for run in raised.value.runs] == ["r-1"]
    assert raised.value.status == 429


def test_inputs_that_cannot_be_read_in_the_middle_of_many_runs_name_those_accepted() -> None:
    def read() -> Iterator[dict[str, Input]]:
        yield {}
        raise FileNotFoundError("page-2.png")

    steps = calls.submit_many("w", read())
    next(steps)
    with pytest.raises(PartlySubmitted, match=r"page-2.png") as raised:
        steps.send(as_response({"run": "r-1"}))
    assert [run.id for run in raised.value.runs] == ["r-1"]


def test_an_array_that_does_not_fit_names_the_runs_accepted_before_it() -> None:
    steps = calls.submit_many("w", [{}, {"x": np.array([None])}])
    next(steps)
    steps.send(as_response({"run": "r-1"}))
    with pytest.raises(PartlySubmitted, match=r"inputs\.x must hold float32 values") as raised:
        steps.send(as_response({"inputs": [{"name": "x", "dtype": "float32", "shape": [1]}]}))
    assert [run.id for run in raised.value.runs] == ["r-1"]


def test_the_first_refusal_of_many_runs_is_raised_as_it_is() -> None:
    steps = calls.submit_many("w", [{}, {}])
    next(steps)
    with pytest.raises(FjordApiError, match=r"^queue full$"):
        steps.throw(FjordApiError(429, "queue full"))


def test_profiling_is_over_when_nothing_of_the_models_is_measured_any_more() -> None:
    seen: list[tuple[int, int]] = []
    steps = calls.wait_until_profiled(
        ["det"], progress=lambda done, total: seen.append((done, total))
    )
    answer(
        steps,
        {"models": [{"name": "det", "profiles": [{}]}, {"name": "rec", "profiles": []}]},
        {"runs": [profile("det", "running"), profile("rec", "queued")]},
        {"machines": []},
        {"operations": [measurement("cpu", "done"), measurement("openvino", "running")]},
        {"models": [{"name": "det", "profiles": [{}, {}]}]},
        {"runs": [profile("det", "finished"), profile("rec", "queued")]},
    )
    assert seen == [(1, 2), (2, 2)]


def profile(model: str, state: str) -> dict[str, str]:
    return {"run": "p-1", "kind": "profile", "workload": f"profile:{model}", "state": state}


def measurement(provider: str, state: str) -> dict[str, str]:
    return {"machine": "a/0", "provider": provider, "state": state}


def test_profiling_is_over_when_only_simulators_are_left() -> None:
    providers = [{"provider": "cpu", "simulated": False}, {"provider": "qnn", "simulated": True}]
    answer(
        calls.wait_until_profiled(["det"]),
        {"models": [{"name": "det", "profiles": [{}]}]},
        {"runs": [profile("det", "running")]},
        {"machines": [{"report": {"id": "a/0", "providers": providers}}]},
        {"operations": [measurement("cpu", "done"), measurement("qnn", "running")]},
    )


def test_profiling_of_a_model_that_nothing_measures_yet_is_not_over() -> None:
    steps = calls.wait_until_profiled(["det"])
    next(steps)
    steps.send(as_response({"models": [{"name": "det", "profiles": []}]}))
    assert isinstance(steps.send(as_response({"runs": []})), Pause)


def test_a_call_that_waits_gets_more_time_than_others() -> None:
    timeout = arguments(Request(method="GET", path="/", wait_s=20), 5)["timeout"]
    assert (timeout.connect, timeout.read, timeout.write) == (25, 25, 25)


def test_a_call_that_waits_for_a_connection_is_not_taken_for_a_silent_service() -> None:
    assert arguments(Request(method="GET", path="/"), 5)["timeout"].pool is None


def test_a_problem_becomes_an_error_with_its_fields() -> None:
    problem = {"title": "Unknown name", "detail": "model must be one of a", "field": "stages[0]"}
    with pytest.raises(FjordApiError, match="Unknown name: model must be one of a") as raised:
        checked(httpx.Response(404, json=problem))
    assert (raised.value.status, raised.value.field) == (404, "stages[0]")


def test_an_answer_that_is_no_problem_still_becomes_an_error() -> None:
    with pytest.raises(FjordApiError, match="Bad Gateway") as raised:
        checked(httpx.Response(502, text="<html>"))
    assert raised.value.status == 502


def test_model_is_uploaded_from_a_path_of_any_kind_or_from_its_content(tmp_path: Path) -> None:
    file = tmp_path / "small.onnx"
    file.write_bytes(b"onnx")
    for given in (str(file), file, b"onnx"):
        (request,), _ = answer(calls.upload_model("small", given), {"name": "small"})
        assert request.files == [("file", ("small.onnx", b"onnx", "application/octet-stream"))]

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from api.http.errors import PROBLEM, STATUS, install, status_of
from api.http.limits import RequestLimit
from api.http.schemas import RunSettings, WorkloadSpec
from devices.runtime.errors import RunFailed, RunStopped
from scheduler.model import errors

pytestmark = pytest.mark.anyio

RAISED = {
    "unknown": errors.UnknownName("there is no run 'r-1'", field="run"),
    "taken": errors.DuplicateName("name must be new; got 'det'", field="name"),
    "store": errors.StoreUnavailable("the store does not answer", retry_after_us=2_500_000),
    "space": errors.OutOfSpace("no room"),
    "token": errors.AccessDenied("a token must be given; got none"),
    "scope": errors.Forbidden("token must have scope submit; got read"),
    "defect": errors.InvalidSchedule("two operations overlap on m0"),
    "disk": OSError(errno.ENOSPC, "No space left on device"),
    "bug": KeyError("oops"),
}


def _walk(cls: type[errors.FjordError]) -> Iterator[type[errors.FjordError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _walk(child)


def _app() -> FastAPI:
    app = FastAPI()
    install(app)
    app.add_middleware(RequestLimit, max_bytes=1000, max_json_bytes=1000, paths={"/large": 2000})

    @app.get("/raise/{name}")
    async def _raise(name: str) -> None:
        raise RAISED[name]

    @app.post("/settings")
    async def _settings(body: RunSettings) -> None:
        return None

    @app.post("/workload")
    async def _workload(body: WorkloadSpec) -> None:
        return None

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


def test_every_error_of_the_tree_has_a_status_of_its_own_in_the_table() -> None:
    tree = {cls for cls in _walk(errors.FjordError) if cls.__module__ == errors.__name__}
    assert tree == set(STATUS)


def test_an_error_that_a_room_keeps_to_itself_is_answered_as_its_family() -> None:
    assert status_of(RunFailed("the model raised")) == 422
    assert status_of(RunStopped("it was stopped")) == 503


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("unknown", 404),
        ("taken", 409),
        ("store", 503),
        ("space", 507),
        ("token", 401),
        ("scope", 403),
        ("defect", 500),
        ("disk", 507),
        ("bug", 500),
    ],
)
async def test_every_error_is_answered_as_problem_json(
    client: httpx.AsyncClient, name: str, status: int
) -> None:
    answer = await client.get(f"/raise/{name}")
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == PROBLEM
    assert {"type", "title", "detail"} <= problem.keys()


async def test_a_problem_names_the_field_and_says_what_came(client: httpx.AsyncClient) -> None:
    assert (await client.get("/raise/unknown")).json() == {
        "type": "urn:fjord:error:unknown-name",
        "title": "unknown name",
        "status": 404,
        "detail": "there is no run 'r-1'",
        "field": "run",
    }


async def test_who_may_retry_is_told_when_and_who_may_not_enter_is_told_how(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/raise/store")).headers["retry-after"] == "3"
    assert "Bearer" in (await client.get("/raise/token")).headers["www-authenticate"]


@pytest.mark.parametrize("name", ["bug", "defect"])
async def test_a_fault_of_ours_is_logged_under_the_id_that_is_answered(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with caplog.at_level(logging.ERROR, "fjord.api"):
        problem = (await client.get(f"/raise/{name}")).json()
    (record,) = [record for record in caplog.records if problem["id"] in record.getMessage()]
    assert record.exc_info is not None
    assert "oops" not in problem["detail"]
    assert "overlap" not in problem["detail"]


async def test_what_is_not_there_is_a_problem_too(client: httpx.AsyncClient) -> None:
    missing = await client.get("/nothing")
    assert (missing.status_code, missing.json()["detail"]) == (404, "there is nothing at /nothing")
    refused = await client.delete("/settings")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "POST"
    assert refused.headers["content-type"] == PROBLEM


@pytest.mark.parametrize(
    ("body", "detail", "field"),
    [
        ('{"deadline_ms": NaN}', "must be a finite number; got NaN", "deadline_ms"),
        ('{"deadline_ms": Infinity}', "must be a finite number; got inf", "deadline_ms"),
        ('{"deadline_ms": 1e999}', "must be a finite number; got inf", "deadline_ms"),
        ('{"deadline_ms": -1}', "must be > 0; got -1", "deadline_ms"),
        ('{"due_ms": 0}', "must be > 0; got 0", "due_ms"),
        ('{"due_ms": true}', "must be a number; got True", "due_ms"),
        ('{"due_ms": 1e300}', "must be <= 31622400000; got 1e+300", "due_ms"),
        ('{"deadline_ms": "soon"}', "must be a valid number", "deadline_ms"),
        ('{"priority": "urgent"}', "must be one of 'critical', 'high', 'normal'", "priority"),
        ('{"on_late": "panic"}', "must be one of 'drop' or 'run'; got 'panic'", "on_late"),
        ('{"deadline": 5}', "is not a field that is known here; got 5", "deadline"),
        ('{"allow": "x"}', "must be ", "allow"),
        ('{"weight": 0}', "must be >= 1; got 0", "weight"),
    ],
)
async def test_a_wrong_setting_is_named_with_its_law_and_what_came(
    client: httpx.AsyncClient, body: str, detail: str, field: str
) -> None:
    answer = await client.post(
        "/settings", content=body, headers={"content-type": "application/json"}
    )
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, field)
    assert problem["detail"].startswith(f"{field} {detail}")


async def test_a_fault_deep_in_a_graph_is_found_by_its_path(client: httpx.AsyncClient) -> None:
    body = {"name": "w", "stages": [{"name": "a"}, {"name": "b", "inputs": {"x": 3}}]}
    problem = (await client.post("/workload", json=body)).json()
    assert problem["detail"] == "stages[1].inputs.x must be text; got 3"
    assert [fault["field"] for fault in problem["errors"]] == ["stages[1].inputs.x", "outputs"]
    assert problem["errors"][1]["detail"] == "outputs must be given; got nothing"


async def test_a_body_that_is_no_json_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/settings", content="{", headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("the body must be JSON")


async def test_a_body_over_the_limit_of_its_path_is_refused_whatever_its_header_says(
    client: httpx.AsyncClient,
) -> None:
    async def lying() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 500

    for content in (b"x" * 1001, lying()):
        answer = await client.post(
            "/settings", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 413
        assert "at most 1000 bytes" in answer.json()["detail"]
        assert answer.headers["content-type"] == PROBLEM
    for kind, status in (("application/x-npy", 404), ("application/json", 413)):
        headers = {"content-type": kind}
        answer = await client.post("/large", content=b"x" * 1500, headers=headers)
        assert answer.status_code == status

"""Plain requests, and the names and records of runs, which all methods share."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from fjord.client.wire import Json, Request, Run, Steps


def get(path: str, **params: str) -> Steps[Json]:
    """Fetch the record under a path."""
    response = yield Request(method="GET", path=path, params=params)
    return answer_of(response)


def delete(path: str) -> Steps[None]:
    """Delete the record under a path."""
    yield Request(method="DELETE", path=path)


def answer_of(response: httpx.Response) -> Json:
    """The body of a response."""
    answer: Json = response.json()
    return answer


def run_of(record: Json) -> Run:
    """A run as the service tells of it, whole or in short."""
    return Run(record["run"], record.get("state", "queued"), record if "state" in record else {})


def run_path(run: Run | str) -> str:
    """The path of a run, given itself or its id."""
    return f"/v1/runs/{quote(run if isinstance(run, str) else run.id)}"

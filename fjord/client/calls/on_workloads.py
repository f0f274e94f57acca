"""The methods on workloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fjord.client.calls.asking import answer_of, delete, get
from fjord.client.wire import Json, Request, Steps


def create_workload(definition: Mapping[str, Any]) -> Steps[Json]:
    """Register a workload; the answer names its version."""
    response = yield Request(method="POST", path="/v1/workloads", body=dict(definition))
    return answer_of(response)


def workloads() -> Steps[list[Json]]:
    """List the workloads."""
    answer = yield from get("/v1/workloads")
    return list(answer["workloads"])


def workload(name: str) -> Steps[Json]:
    """Describe one workload."""
    return (yield from get(f"/v1/workloads/{quote(name)}"))


def delete_workload(name: str) -> Steps[None]:
    """Delete a workload; runs of it that are under way end normally."""
    yield from delete(f"/v1/workloads/{quote(name)}")

"""Calls beside all that may happen to their lease."""

from __future__ import annotations

import asyncio
import os
import signal

import httpx
import psutil
import pytest

from scheduler.model.messages import CallsReported, OperationFinished
from tests.api.http.oip.conftest import JSON_IN, Reached
from tests.api.http.routes.conftest import Eventually, Service, doubling_model

pytestmark = pytest.mark.anyio

INFER = "/v2/models/double/infer"


def workers() -> list[psutil.Process]:
    """The worker processes of the agent in this process."""
    return [
        each
        for each in psutil.Process().children(recursive=True)
        if "devices.worker" in each.cmdline()
    ]


async def computed_us(client: httpx.AsyncClient) -> int:
    (found,) = (await client.get("/v2/models/busy/stats")).json()["model_stats"]
    return int(found["inference_stats"]["compute_infer"]["ns"]) // 1_000


async def test_machines_are_as_busy_in_the_view_as_workers_say(
    client: httpx.AsyncClient, service: Service, reached: Reached, eventually: Eventually
) -> None:
    assert (await service.add_model("busy", doubling_model(4.0))).is_success
    digest = (await service.context.store.model("busy")).digest
    await reached("busy")
    before_us = await computed_us(client)
    for _ in range(200):
        assert (await client.post("/v2/models/busy/infer", json=JSON_IN)).status_code == 200
    own_us = await computed_us(client) - before_us
    told: list[CallsReported] = []

    async def are_told() -> bool:
        log = [event for _, event in await service.context.store.events(count=100_000)]
        told[:] = [e for e in log if isinstance(e, CallsReported) and e.digest == digest]
        return sum(report.done for report in told) == 200

    await eventually(are_told)
    assert sum(report.busy_us for report in told) == pytest.approx(own_us, rel=0.01)

    async def is_in_the_view() -> bool:
        log = [event for _, event in await service.context.store.events(count=100_000)]
        total_us = sum(e.busy_us for e in log if isinstance(e, CallsReported))
        runs = [e for e in log if isinstance(e, OperationFinished)]
        total_us += sum(e.at_us - e.started_us for e in runs)
        view = (await client.get("/v1/schedule")).json()
        bars = [bar for bar in view["bars"] if bar["work"] == "busy" and bar["run"] in leases]
        return bool(bars) and view["machines"][0]["busy_us"] == pytest.approx(total_us, rel=0.01)

    leases = {report.lease for report in told}
    await eventually(is_in_the_view)


async def test_eight_callers_at_once_are_all_answered(
    client: httpx.AsyncClient, reached: Reached
) -> None:
    await reached("double")
    answers = await asyncio.gather(*(client.post(INFER, json=JSON_IN) for _ in range(64)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_killed_worker_fails_what_it_had_and_calls_go_on(
    client: httpx.AsyncClient, reached: Reached, eventually: Eventually
) -> None:
    await reached("double")
    calls = [asyncio.create_task(client.post(INFER, json=JSON_IN)) for _ in range(30)]
    await calls[0]
    for worker in workers():
        os.kill(worker.pid, signal.SIGKILL)
    answers = await asyncio.gather(*calls)
    for answer in answers:
        if answer.status_code != 200:
            assert answer.status_code == 503
            assert "worker ended" in answer.json()["error"]
    assert (await client.post(INFER, json=JSON_IN)).status_code == 200
    await reached("double")


async def test_a_call_beyond_its_time_is_told_so(client: httpx.AsyncClient) -> None:
    asked = {**JSON_IN, "parameters": {"timeout": 1}}
    answer = await client.post(INFER, json=asked)
    assert answer.status_code == 504
    assert "within 1 us" in answer.json()["error"]


async def test_calls_of_an_urgent_band_have_a_lease_of_their_own(
    client: httpx.AsyncClient, service: Service, eventually: Eventually
) -> None:
    asked = {**JSON_IN, "parameters": {"priority": 1}}
    for _ in range(3):
        answer = await client.post(INFER, json=asked)
        assert answer.json()["outputs"][0]["data"] == [2.0, 4.0, 6.0]


async def test_a_deleted_model_is_called_no_more(
    client: httpx.AsyncClient, service: Service, eventually: Eventually
) -> None:
    assert (await service.add_model("triple", doubling_model(3.0))).is_success
    url = "/v2/models/triple/infer"

    async def is_called() -> bool:
        answer = await client.post(url, json=JSON_IN)
        assert answer.json()["outputs"][0]["data"] == [3.0, 6.0, 9.0]
        record = await service.context.store.model("triple")
        return service.context.services.calls.lanes(record.digest) > 0

    await eventually(is_called)
    assert (await client.delete("/v1/models/triple")).status_code == 204

    async def is_gone() -> bool:
        return (await client.post(url, json=JSON_IN)).status_code == 404

    await eventually(is_gone)


async def test_who_hangs_up_while_a_call_waits_leaves_no_trace(
    client: httpx.AsyncClient, service: Service, reached: Reached
) -> None:
    await reached("double")
    stopped = workers()
    for worker in stopped:
        os.kill(worker.pid, signal.SIGSTOP)
    try:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(INFER, json=JSON_IN, timeout=0.3)
    finally:
        for worker in stopped:
            os.kill(worker.pid, signal.SIGCONT)
    answer = await client.post(INFER, json=JSON_IN)
    assert answer.json()["outputs"][0]["data"] == [2.0, 4.0, 6.0]

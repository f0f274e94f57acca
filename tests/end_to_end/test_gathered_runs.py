"""Many runs of one program, through the client: submitted, waited for, and their results."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable

import numpy as np
import pytest

from api.tools.demo.service import Service
from fjord import AsyncClient, Client, NotFinished, RunFailed
from fjord.client.wire import Input

Batch = Callable[[int], dict[str, Input]]


def test_runs_of_one_call_come_back_as_they_end_each_with_its_results(
    client: Client, reading: str, batch: Batch
) -> None:
    runs = client.submit_many(reading, [batch(1), batch(2), batch(1)])
    ended = list(client.as_completed(runs))
    assert {run.id for run in ended} == {run.id for run in runs}
    times_us = [run.record["ended_us"] for run in ended]
    assert times_us == sorted(times_us)
    sizes = {run.id: len(run.results()["scores"]) for run in ended}
    assert [sizes[run.id] for run in runs] == [1, 2, 1]


def test_the_async_twin_gives_them_so_too(service: Service, reading: str, batch: Batch) -> None:
    async def program() -> list[int]:
        async with AsyncClient(service.url) as client:
            runs = await client.submit_many(reading, [batch(1), batch(2)])
            ended = [run async for run in client.as_completed(runs)]
            return [len((await run.results())["scores"]) for run in ended]

    assert sorted(asyncio.run(program())) == [1, 2]


def test_results_before_the_end_and_after_a_cancellation_are_refused_by_name(
    client: Client, reading: str, batch: Batch
) -> None:
    run = client.submit(reading, batch(64), priority="background")
    with pytest.raises(NotFinished, match=run.id):
        run.results()
    client.cancel(run)
    client.wait(run)
    with pytest.raises(RunFailed, match="cancelled") as raised:
        run.results()
    assert raised.value.state == "cancelled"


def test_a_whole_run_is_drawn_in_a_notebook(client: Client, reading: str, batch: Batch) -> None:
    run = client.run(client.submit(reading, batch(1), wait_s=60.0))
    assert run._repr_html_().count("<rect") == 1


def test_urgent_runs_gathered_with_others_end_first(
    service: Service, reading: str, batch: Batch
) -> None:
    async def program() -> dict[str, list[int]]:
        async with AsyncClient(service.url) as client:
            bands = ["background", "critical"] * 12
            runs = await asyncio.gather(
                *(client.submit(reading, batch(2), priority=band, wait_s=60.0) for band in bands)
            )
        order = np.argsort([run.record["ended_us"] for run in runs])
        places = {int(run): place for place, run in enumerate(order)}
        return {
            band: [places[i] for i, each in enumerate(bands) if each == band]
            for band in ("critical", "background")
        }

    places = asyncio.run(program())
    assert statistics.median(places["critical"]) < statistics.median(places["background"])

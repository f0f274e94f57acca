"""The whole path on a real pipeline, through a real ``fjord up``."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from api.tools.demo.ocr import model_files, ocr_workload
from api.tools.demo.service import Service
from api.tools.demo.verify import violations
from fjord import AsyncClient, Client
from fjord.client.wire import Input

Pages = list[tuple[list[str], bytes]]
Batch = Callable[[int], dict[str, Input]]


def test_every_line_of_two_images_is_read_as_it_was_drawn(
    client: Client, ocr: str, pages: Pages
) -> None:
    runs = [client.submit(ocr, {"image": page}) for _, page in pages]
    ended = [client.wait(run) for run in runs]
    assert [run.state for run in ended] == ["finished", "finished"]
    assert [client.results(run)["lines"] for run in ended] == [lines for lines, _ in pages]
    assert violations([client.run(run).record for run in ended], ocr_workload(model_files())) == []


def test_a_waiting_submission_answers_with_the_result(
    service: Service, ocr: str, pages: Pages
) -> None:
    async def read() -> Any:
        async with AsyncClient(service.url) as client:
            run = await client.submit(ocr, {"image": pages[0][1]}, wait_s=30)
            return await client.results(run)

    assert asyncio.run(read())["lines"] == pages[0][0]


def test_the_job_grows_by_the_crops_that_are_found(client: Client, ocr: str, pages: Pages) -> None:
    lines, page = pages[0]
    run = client.wait(client.submit(ocr, {"image": page}))
    items = [op["item"] for op in client.run(run).record["operations"] if op["stage"] == "read"]
    assert sorted(items) == list(range(len(lines)))


def test_every_placement_keeps_its_candidates_with_one_chosen(
    client: Client, ocr: str, pages: Pages
) -> None:
    run = client.wait(client.submit(ocr, {"image": pages[0][1]}))
    for operation in client.explain(run):
        chosen = [each for each in operation["candidates"] if each["reason"] is None]
        assert len(chosen) == 1
        assert chosen[0]["machine"] == operation["machine"]
    trace = client.trace(run)
    assert len(trace["traceEvents"]) >= len(client.explain(run))


def test_a_dry_run_predicts_and_changes_nothing(client: Client, ocr: str) -> None:
    before = {run.id for run in client.runs(limit=1000)}
    preview = client.plan(ocr)
    assert 0 < preview["bound_us"] <= preview["makespan_us"]
    record = preview["record"]
    assert record["predicted_p50_us"] <= record["predicted_p95_us"]
    assert all(operation["machine"] for operation in record["operations"])
    assert {run.id for run in client.runs(limit=1000)} == before


def test_the_live_stream_starts_with_the_view_and_tells_of_a_run(
    client: Client, reading: str, batch: Batch
) -> None:
    events = client.events()
    assert next(events).name == "view"
    run = client.submit(reading, batch(1))
    seen = next(e for e in events if e.name == "run" and e.data["run"] == run.id)
    assert json.dumps(seen.data)
    client.wait(run)


def test_a_run_that_waits_can_be_cancelled_and_the_others_finish(
    client: Client, reading: str, batch: Batch
) -> None:
    runs = [client.submit(reading, batch(4), priority="background") for _ in range(8)]
    client.cancel(runs[-1])
    client.cancel(runs[0])
    ended = [client.wait(run) for run in runs]
    assert ended[-1].state == "cancelled"
    # The first may have finished before its cancel came: an ended run stays as it ended.
    assert ended[0].state in {"cancelled", "finished"}
    assert {run.state for run in ended[1:-1]} == {"finished"}


def test_critical_work_overtakes_all_background_work_that_has_not_started(
    client: Client, reading: str, batch: Batch
) -> None:
    # Half a second each, so that a busy box tells its agent in less time than one takes.
    queued = [client.submit(reading, batch(24), priority="background") for _ in range(30)]
    critical = client.wait(client.submit(reading, batch(1), priority="critical"))
    background = [client.run(run).record for run in queued]
    for run in queued:
        client.cancel(run)
    submitted_us, ended_us = critical.record["submitted_us"], critical.record["ended_us"]
    begun = [r for r in background if r["started_us"] and r["started_us"] <= submitted_us]
    through = [r for r in background if r["ended_us"] and r["ended_us"] < ended_us]
    overtook = [record for record in through if record not in begun]
    assert len(background) - len(begun) > 15
    # A lane may have taken its next operation while the critical run was on its way to it.
    assert len(overtook) <= len(client.devices())

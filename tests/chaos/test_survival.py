"""Any part may be killed in the middle of the work: all runs end, none twice, none is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import psutil
import pytest

from api.store import Store
from api.tools.demo.service import Service
from fjord import Client, FjordApiError
from fjord.client.wire import Run
from scheduler.control.events import ControllerStarted, Event, RunSubmitted
from scheduler.model.messages import AgentJoined, AgentLost, OperationFinished

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

RUNS = 20
BEFORE_KILL = 4
"""Runs that have begun when the part is killed: none has ended, the others are queued."""
PATIENCE_S = 90.0
SLEEP_S = 5.0
WIDTH = 256
SHIFT = 2 * 480
VICTIMS = {
    "worker": "devices.worker",
    "agent": "api.cli agent",
    "controller": "api.cli serve",
    "store": "valkey-server",
}


def parts_of(service: Service, words: str) -> list[psutil.Process]:
    children = psutil.Process(service.process.pid).children(recursive=True)
    found = [child for child in children if words in " ".join(_command(child))]
    assert found, f"no process has {words!r} in its command line"
    return found


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(process.cmdline())
    return []


def tensor(number: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Rows whose largest value is in this column."""
    rows = np.zeros((WIDTH, WIDTH), dtype=np.float32)
    rows[:, number] = 1.0
    return rows


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(FjordApiError):
            if condition():
                return
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s"
        time.sleep(0.02)


def ended(client: Client, runs: list[Run]) -> int:
    return sum(run.is_final for run in found(client, runs))


def begun(client: Client, runs: list[Run]) -> int:
    return sum(run.state != "queued" for run in found(client, runs))


def found(client: Client, runs: list[Run]) -> list[Run]:
    wanted = {run.id for run in runs}
    return [run for run in client.runs(limit=4 * RUNS) if run.id in wanted]


async def log_of(service: Service) -> list[Event]:
    """Everything that entered the brain, read from the store itself."""
    folder = service.data_dir / "store"
    password, port = ((folder / name).read_text().strip() for name in ("password", "port"))
    store = await Store.connect(f"redis://:{password}@127.0.0.1:{port}/0", "chaos")
    try:
        return [event for _, event in await store.events(count=100_000)]
    finally:
        await store.close()


@pytest.mark.parametrize("victim", VICTIMS)
def test_all_runs_end_once_when_a_part_is_killed(fragile: Service, victim: str) -> None:
    with Client(fragile.url, patience_s=0.0) as client:
        process = parts_of(fragile, VICTIMS[victim])[0]
        runs = [client.submit("twice", {"x": tensor(number)}) for number in range(RUNS)]
        wait_until(lambda: begun(client, runs) >= BEFORE_KILL)
        process.kill()
        assert ended_at_kill(client, runs) < RUNS, "the kill came too late to prove anything"
        wait_until(lambda: ended(client, runs) == RUNS)

        for number, run in enumerate(runs):
            record = client.run(run)
            assert (record.state, record.reason) == ("finished", "")
            columns = client.results(record)["column"]
            assert np.asarray(columns).tolist() == [(number + SHIFT) % WIDTH] * WIDTH

    ids = {run.id for run in runs}
    log = asyncio.run(log_of(fragile))
    submitted = [e.run for e in log if isinstance(e, RunSubmitted) and e.run in ids]
    assert Counter(submitted) == Counter(ids)
    # Tensors of a lost agent are made again by design; the answer of a run is made once always.
    stages = {"best"} if victim == "agent" else {"first", "second", "best"}
    assert Counter(operation for operation, _ in finished(log, ids, stages)) == Counter(
        f"{run}/{stage}" for run in ids for stage in stages
    )


def finished(log: list[Event], runs: set[str], stages: set[str]) -> set[tuple[str, int]]:
    """Operations of these stages that gave a result, with the attempts that did."""
    return {
        (event.operation, event.attempt)
        for event in log
        if isinstance(event, OperationFinished)
        and event.run in runs
        and event.operation.partition("/")[2] in stages
    }


def ended_at_kill(client: Client, runs: list[Run]) -> int:
    with contextlib.suppress(FjordApiError):
        return ended(client, runs)
    return 0


@pytest.mark.parametrize("part", ["controller", "store"])
def test_site_goes_on_where_it_was_after_a_part_slept(fragile: Service, part: str) -> None:
    with Client(fragile.url) as client:
        before = asyncio.run(log_of(fragile))
        process = parts_of(fragile, VICTIMS[part])[0]
        runs = [client.submit("twice", {"x": tensor(number)}) for number in range(RUNS)]
        wait_until(lambda: begun(client, runs) >= BEFORE_KILL)
        process.suspend()
        try:
            # Longer than the lease, and than a heartbeat, live.
            time.sleep(SLEEP_S)
        finally:
            process.resume()
        wait_until(lambda: ended(client, runs) == RUNS)
        assert {record.state for record in found(client, runs)} == {"finished"}

    log = asyncio.run(log_of(fragile))[len(before) :]
    assert [e for e in log if isinstance(e, ControllerStarted | AgentLost | AgentJoined)] == []
    ids = {run.id for run in runs}
    stages = {"first", "second", "best"}
    assert Counter(operation for operation, _ in finished(log, ids, stages)) == Counter(
        f"{run}/{stage}" for run in ids for stage in stages
    )

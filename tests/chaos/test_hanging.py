"""A worker hangs in the middle of the work: it is suspected, and no run waits for it."""

from __future__ import annotations

import contextlib

import numpy as np
import psutil
import pytest

from api.tools.demo.service import Service
from fjord import Client
from fjord.client.wire import Run
from tests.chaos.test_survival import SHIFT, WIDTH, ended, parts_of, tensor, wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

LANE = "--cores 0 "
"""The worker of the first core's lane."""


def test_a_critical_run_ends_elsewhere_while_a_worker_hangs(fragile: Service) -> None:
    with Client(fragile.url) as client:
        hanging = parts_of(fragile, LANE)[0]
        background = [
            client.submit("twice", {"x": tensor(i)}, priority="background") for i in range(4)
        ]
        wait_until(lambda: runs_there(client))
        hanging.suspend()
        try:
            critical = [
                client.submit("twice", {"x": tensor(i)}, priority="critical") for i in range(2)
            ]
            wait_until(lambda: "suspected" in states(client))
            wait_until(lambda: ended(client, critical) == 2)
        finally:
            # Its agent may have ended it by now: something else gave the result.
            with contextlib.suppress(psutil.NoSuchProcess):
                hanging.resume()
        wait_until(lambda: ended(client, background) == 4)
        wait_until(lambda: states(client) == {"up"})
        for runs in (background, critical):
            assert columns(client, runs) == [(i + SHIFT) % WIDTH for i in range(len(runs))]


def runs_there(client: Client) -> bool:
    return any(m["running"] for m in client.devices() if m["report"]["cores"] == [0])


def states(client: Client) -> set[str]:
    return {machine["state"] for machine in client.devices()}


def columns(client: Client, runs: list[Run]) -> list[int]:
    """The column of the largest value that each run found: the same in every row."""
    found = [np.asarray(client.results(client.run(run))["column"]) for run in runs]
    assert all(len(set(each.tolist())) == 1 for each in found)
    return [int(each[0]) for each in found]

"""The service is killed while it archives: history has every run once."""

from __future__ import annotations

from collections import Counter

import pytest

from api.history import Reader, RunQuery
from api.tools.demo.service import Service
from fjord import Client
from fjord.client.wire import Run
from tests.chaos.test_survival import parts_of, tensor, wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

RUNS = 18
KILLED_AFTER = (6, 12)
WANTED = RunQuery(workload="twice")


def archived(service: Service) -> list[str]:
    return [record.run for record in Reader(service.data_dir).find(WANTED, 1000)]


def submitted(client: Client, number: int) -> str:
    """A run, however often it has to be asked for: the service is away for a while."""
    accepted: list[Run] = []

    def submit() -> bool:
        accepted.append(client.submit("twice", {"x": tensor(number)}))
        return True

    wait_until(submit)
    return accepted[0].id


def test_history_has_every_run_once_after_kills_of_the_service(fragile: Service) -> None:
    with Client(fragile.url) as client:
        runs: list[str] = []
        for number in range(RUNS):
            if number in KILLED_AFTER:
                # Some runs are in the archive, some on the way to it, some yet to end.
                wait_until(lambda: runs[-len(runs) // 2] in archived(fragile))
                parts_of(fragile, "api.cli serve")[0].kill()
            runs.append(submitted(client, number))
        wait_until(lambda: set(runs) <= set(archived(fragile)))
        # The service may still be on its way back.
        wait_until(lambda: bool(client.runs()))
        listed = [run.id for run in client.runs(limit=1000)]
    for found in (archived(fragile), listed):
        assert {found.count(run) for run in runs} == {1}
        assert max(Counter(found).values()) == 1

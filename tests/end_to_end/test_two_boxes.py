"""Two agents with different boxes: their tensors do not share memory."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.process.ports import free_port
from api.tools.demo.prepare import prepare
from api.tools.demo.service import Service, start_service, stop_service, wait_for
from api.tools.demo.verify import edges
from fjord import Client, FjordApiError

JOIN_S = 60.0


@pytest.fixture
def two_boxes(tmp_path: Path) -> Iterator[Client]:
    service = start_service(tmp_path / "site", free_port(), ["--no-agent"])
    try:
        with (
            agent(service, "left", "0", tmp_path),
            agent(service, "right", "1", tmp_path),
            Client(service.url) as client,
        ):
            wait_for(lambda: agents_of(client) == {"left", "right"}, JOIN_S, "two agents")
            yield client
    finally:
        stop_service(service)


@contextmanager
def agent(service: Service, name: str, cores: str, folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "api.cli", "agent", "--server", service.url]
    options = ["--name", name, "--box", name, "--cores", cores, "--data", str(folder / name)]
    wait_for(lambda: answers(service), JOIN_S, "the service")
    process = subprocess.Popen([*command, *options])
    try:
        yield
    finally:
        process.terminate()
        process.wait(JOIN_S)


def answers(service: Service) -> bool:
    try:
        with Client(service.url) as client:
            client.devices()
    except FjordApiError:
        return False
    return True


def agents_of(client: Client) -> set[str]:
    return {machine["agent"] for machine in client.devices() if machine["state"] == "up"}


def test_one_run_spreads_over_both_boxes_and_fetches_directly(
    two_boxes: Client, pages: list[tuple[list[str], bytes]]
) -> None:
    lines, page = pages[0]
    workload = prepare(two_boxes)
    run = two_boxes.wait(two_boxes.submit(workload["name"], {"image": page}))
    assert two_boxes.results(run)["lines"] == lines
    record = two_boxes.run(run).record
    boxes = {each["operation"]: box(each["machine"]) for each in record["operations"]}
    crossings = [
        edge for edge in edges(record, workload) if boxes[edge.source] != boxes[edge.target]
    ]
    assert crossings


def test_boxes_measure_the_ways_between_them(two_boxes: Client) -> None:
    def measured() -> dict[tuple[str, str], Any]:
        answer = httpx.get(f"{two_boxes.base_url}/v1/cost-models", timeout=JOIN_S).json()
        links = {(link["source"], link["target"]): link for link in answer["links"]}
        return links if {link["provenance"] for link in links.values()} == {"measured"} else {}

    wait_for(lambda: len(measured()) == 4, JOIN_S, "all ways to be measured")
    for link in measured().values():
        assert 10 <= link["latency_us"] <= 200_000
        assert 10**7 <= link["bytes_per_s"] <= 10**11


def box(machine: str) -> str:
    return machine.partition("/")[0]

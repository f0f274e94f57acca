"""A real model in pieces on a real ``fjord up``."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from api.cli.app import run
from api.tools.demo.ocr import SHAPES
from api.tools.demo.service import Service
from fjord import Client
from fjord.client.wire import Input

Batch = Callable[[int], dict[str, Input]]

LINES = "text-recognition"
OUTPUT = "softmax_11.tmp_0"


@pytest.fixture(scope="session")
def partition(service: Service, ocr: str) -> dict[str, Any]:
    """The recogniser of text in three pieces, which were measured."""
    with Client(service.url, timeout_s=120) as client:
        made = client.add_partition(LINES, pieces=3)
        client.wait_until_profiled([LINES])
    return made


def workload(name: str, **stage: Any) -> dict[str, Any]:
    return {
        "name": name,
        "inputs": {"x": {"dtype": "float32", "shape": [-1, *SHAPES[LINES]["x"][1:]]}},
        "stages": [{"name": "read", "model": LINES, "inputs": {"x": "x"}, **stage}],
        "outputs": {"scores": f"read.{OUTPUT}"},
    }


def test_a_run_in_pieces_gives_what_the_whole_gives_and_is_shown_piece_by_piece(
    client: Client, partition: dict[str, Any]
) -> None:
    # Two lines: another batch than the one that the pieces were proven at.
    x = np.random.default_rng(3).uniform(-1, 1, (2, *SHAPES[LINES]["x"][1:])).astype(np.float32)
    results = {}
    for name, stage in (("whole", {}), ("pieces", {"partition": partition["id"]})):
        client.create_workload(workload(f"read-{name}", **stage))
        ended = client.wait(client.submit(f"read-{name}", {"x": x}))
        assert ended.state == "finished", ended.record
        results[name] = client.results(ended)["scores"]
    assert np.array_equal(results["whole"], results["pieces"])
    pieces = [f"read#{place}of3" for place in (1, 2, 3)]
    assert [op["stage"] for op in client.run(ended).record["operations"]] == pieces
    assert [op["operation"].partition("/")[2] for op in client.explain(ended)] == pieces
    named = {event["name"] for event in client.trace(ended)["traceEvents"]}
    assert any("read#2of3" in name for name in named)


def test_a_run_in_pieces_is_cancelled_with_all_of_them(
    client: Client, partition: dict[str, Any], batch: Batch
) -> None:
    client.create_workload(workload("read-long", partition=partition["id"]))
    run = client.submit("read-long", batch(16))
    client.cancel(run)
    ended = client.wait(run)
    assert ended.state == "cancelled"
    assert {op["state"] for op in client.run(ended).record["operations"]} <= {"cancelled", "done"}


def test_the_command_lists_partitions_with_their_proof(
    service: Service,
    partition: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FJORD_URL", service.url)
    assert run(["models", "partitions", LINES, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["partitions"]
    assert partition["id"] in {each["id"] for each in listed}
    assert run(["models", "partitions", LINES]) == 0
    assert partition["id"] in capsys.readouterr().out
    assert run(["models", "partitions", LINES, "--cut", "nowhere"]) != 0
    assert "'nowhere' is no tensor" in capsys.readouterr().err

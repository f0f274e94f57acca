from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest

from tests.api.http.routes.conftest import Eventually, Service, npy

pytestmark = pytest.mark.anyio


async def runs(service: Service, name: str, count: int) -> None:
    await service.add_doubling(name)
    for _ in range(count):
        files = {"x": ("x.npy", npy(np.ones((1, 3), np.float32)))}
        answer = await service.client.post(f"/v1/workloads/{name}/runs?wait_s=20", files=files)
        assert answer.json()["state"] == "finished"


async def test_accuracy_counts_every_execution(service: Service, eventually: Eventually) -> None:
    await runs(service, "counted-costs", 3)
    found: dict[str, Any] = {}

    async def is_there() -> bool:
        found.update((await service.client.get("/v1/cost-models/accuracy")).json())
        return sum(int(row["count"]) for row in found["rows"]) >= 3

    await eventually(is_there)
    (row,) = found["rows"]
    assert (row["machine"], row["provenance"]) == ("one/cpu0", "measured")
    assert 0 <= row["within_10"] <= row["within_20"] <= row["count"] == len(found["pairs"])
    assert sum(point["count"] for point in found["points"]) == row["count"]
    pair = found["pairs"][-1]
    assert 1 <= pair["p50_us"] <= pair["p95_us"]
    assert pair["actual_us"] >= 1


async def test_predictions_name_their_provenance_and_what_loads_add(
    service: Service, eventually: Eventually
) -> None:
    await runs(service, "predicted-costs", 1)
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        answer = await service.client.get("/v1/cost-models/predictions?work=double")
        found[:] = answer.json().get("predictions", [])
        return bool(found)

    await eventually(is_there)
    (entry,) = found
    assert entry["provenance"] == "measured"
    assert 1 <= entry["p10_us"] <= entry["p50_us"] <= entry["p95_us"]
    assert {part["cause"] for part in entry["slowdowns"]} >= {"memory-bound neighbours"}
    elsewhere = "/v1/cost-models/predictions?work=double&machine=two/cpu0"
    assert (await service.client.get(elsewhere)).json() == {"predictions": []}


async def test_work_is_predicted_beside_a_load_that_is_asked_about(
    service: Service, eventually: Eventually
) -> None:
    await runs(service, "beside-costs", 1)
    path = "/v1/cost-models/predictions?work=double"

    async def is_there() -> bool:
        return (await service.client.get(path)).is_success

    await eventually(is_there)
    busy = "&load=compute:1:60,memory:1:30&neighbour=memory"
    (beside,) = (await service.client.get(path + busy)).json()["predictions"]
    causes = {part["cause"] for part in beside["slowdowns"]}
    assert {"foreign load", "contention for its cores", "memory-bound neighbours"} <= causes
    # Strengths are in doubt until something ran beside such a load.
    (idle,) = (await service.client.get(path)).json()["predictions"]
    assert beside["p95_us"] > idle["p95_us"]
    assert beside["p50_us"] >= idle["p50_us"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("work=double&load=heavy", "load"),
        ("work=double&load=compute:0:60", "load"),
        ("work=double&load=compute:1:101", "load"),
        ("work=double&neighbour=loud", "neighbour"),
        ("load=compute", "work"),
    ],
)
async def test_load_that_is_none_is_refused(
    client: httpx.AsyncClient, asked: str, field: str
) -> None:
    answer = await client.get(f"/v1/cost-models/predictions?{asked}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_unknown_work_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/cost-models/predictions?work=nothing")
    assert (answer.status_code, answer.json()["field"]) == (404, "work")


async def test_models_without_an_artifact_say_so(client: httpx.AsyncClient) -> None:
    found = (await client.get("/v1/cost-models")).json()
    assert (found["artifact"], found["notes"]) == (None, [])
    assert found["machines"] == [{"machine": "one/cpu0", "peaks": []}]

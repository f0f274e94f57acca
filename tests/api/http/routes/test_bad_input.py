"""Bad input is answered with its field, law and value, and leaves nothing half made."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import resource
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from api.http.auth import Scope, Token, digest, write_tokens
from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
from tests.api.http.routes.conftest import (
    JSON_LIMIT,
    MODEL_LIMIT,
    Service,
    doubling_model,
    npy,
    serving,
)

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request, and the status, the field and words of the answer that it must get."""

    method: str = "POST"
    url: str = "/v1/workloads"
    arguments: dict[str, Any] = field(default_factory=dict)
    status: int = 422
    field: str = ""
    words: tuple[str, ...] = ()


STAGE = {"name": "a", "model": "double", "inputs": {"x": "x"}}


def _graph(*stages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": "bad",
        "inputs": {"x": {"dtype": "float32", "shape": [-1, 3]}},
        "stages": list(stages) or [STAGE],
        "outputs": {"y": "a.y"},
    }
    return {"json": body | changes}


def _model(content: bytes, name: str = "bad") -> dict[str, Any]:
    return {"data": {"name": name}, "files": {"file": ("m.onnx", content)}}


def _bare(content: bytes) -> dict[str, Any]:
    return {"content": content, "headers": {"content-type": "application/x-npy"}}


def _npy_of(header: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


def _form(field: str, content: bytes) -> bytes:
    head = f'--b\r\ncontent-disposition: form-data; name="{field}"; filename="f"\r\n\r\n'
    return head.encode() + content + b"\r\n--b--\r\n"


def _run(**body: Any) -> dict[str, Any]:
    given = {"inputs": {"x": {"dtype": "float32", "data": [[1, 2, 3]]}}} | body
    # Not `json=`, which refuses NaN by itself.
    return {"content": json.dumps(given), "headers": {"content-type": "application/json"}}


def _external_data() -> bytes:
    model = onnx.load_from_string(doubling_model())
    (constant,) = model.graph.initializer
    constant.ClearField("float_data")
    constant.ClearField("raw_data")
    constant.data_location = TensorProto.EXTERNAL
    constant.external_data.add(key="location", value="../../etc/passwd")
    content: bytes = model.SerializeToString()
    return content


def _custom_domain() -> bytes:
    node = helper.make_node("Mine", ["x"], ["y"], domain="com.example")
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([node], "g", [value], [result])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    content: bytes = helper.make_model(graph, opset_imports=opsets).SerializeToString()
    return content


RUNS = "/v1/workloads/good/runs"
CASES = {
    "a cyclic graph": Case(
        arguments=_graph(
            STAGE | {"inputs": {"x": "b.y"}}, {**STAGE, "name": "b", "inputs": {"x": "a.y"}}
        ),
        field="stages",
        words=("must not form a cycle", "a -> b -> a"),
    ),
    "an unknown model": Case(
        arguments=_graph({**STAGE, "model": "nope"}),
        field="stages[0].model",
        words=("'nope'", "there are: ", "double"),
    ),
    "an unknown stage": Case(
        arguments=_graph(outputs={"y": "nope.y"}), field="outputs.y", words=("'nope'",)
    ),
    "an unknown function": Case(
        arguments=_graph({"name": "a", "function": "nope"}),
        field="stages[0].function",
        words=("'nope'", "arg_max"),
    ),
    "a shape that does not fit an edge": Case(
        arguments=_graph(inputs={"x": {"dtype": "float32", "shape": [2, 4]}}),
        field="stages[0].inputs.x",
        words=("must be float32[n,3]; got float32[2,4] from 'x'",),
    ),
    "a type that does not fit an edge": Case(
        arguments=_graph(inputs={"x": {"dtype": "int64", "shape": [-1, 3]}}),
        field="stages[0].inputs.x",
        words=("must be float32[n,3]; got int64[?,3]",),
    ),
    "two stages of one name": Case(
        arguments=_graph(STAGE, STAGE), field="stages[1].name", words=("must be unique",)
    ),
    "a field that nobody knows": Case(
        arguments=_graph(retries=3), field="retries", words=("not a field that is known",)
    ),
    "a negative period": Case(
        arguments=_graph(period_ms=-5),
        field="period_ms",
        words=("not a field that is known here; got -5",),
    ),
    "a dimension below -1": Case(
        arguments=_graph(inputs={"x": {"dtype": "float32", "shape": [-2]}}),
        field="inputs.x.shape[0]",
        words=("must be a size >= -1 or a name; got -2",),
    ),
    "a file that is no ONNX": Case(
        url="/v1/models", arguments=_model(b"\x89PNG" * 100), field="model", words=("ONNX",)
    ),
    "an empty file": Case(
        url="/v1/models", arguments=_model(b""), field="file", words=("must be an ONNX file",)
    ),
    "a model with external data": Case(
        url="/v1/models", arguments=_model(_external_data()), field="model", words=("external",)
    ),
    "a model of a custom domain": Case(
        url="/v1/models", arguments=_model(_custom_domain()), field="model", words=("com.example",)
    ),
    "a model over the limit, which is 2 GB unless set": Case(
        url="/v1/models",
        arguments=_model(b"x" * (MODEL_LIMIT + 1)),
        status=413,
        field="file",
        words=(f"at most {MODEL_LIMIT} bytes",),
    ),
    "a body over the limit": Case(
        url=RUNS,
        arguments={"files": {"x": ("x.npy", npy(np.zeros((200_000, 3), np.float32)))}},
        status=413,
        field="body",
        words=("at most 2000000 bytes; got 24",),
    ),
    "a name that is taken": Case(
        url="/v1/models",
        arguments=_model(doubling_model(77.0), "double"),
        status=409,
        field="name",
        words=("'double' must be new",),
    ),
    "a NaN deadline": Case(
        url=RUNS,
        arguments=_run(deadline_ms=float("nan")),
        field="deadline_ms",
        words=("deadline_ms must be a finite number; got NaN",),
    ),
    "a NaN deadline in the query": Case(
        url=f"{RUNS}?deadline_ms=NaN",
        arguments={
            "content": npy(np.zeros((1, 3), np.float32)),
            "headers": {"content-type": "application/x-npy"},
        },
        field="deadline_ms",
        words=("must be > 0; got 'NaN'",),
    ),
    "a negative deadline": Case(
        url=RUNS, arguments=_run(deadline_ms=-1), field="deadline_ms", words=("> 0; got -1",)
    ),
    "an unknown priority": Case(
        url=RUNS, arguments=_run(priority="asap"), field="priority", words=("'asap'", "critical")
    ),
    "an input of the wrong shape": Case(
        url=RUNS,
        arguments=_run(inputs={"x": {"dtype": "float32", "data": [[1, 2]]}}),
        field="inputs.x",
        words=("dimension 1 must be 3; got 2",),
    ),
    "an input of the wrong type": Case(
        url=RUNS,
        arguments=_run(inputs={"x": {"dtype": "int32", "data": [[1, 2, 3]]}}),
        field="inputs.x",
        words=("dtype must be float32; got int32",),
    ),
    "a tensor without its data": Case(
        url=RUNS,
        arguments=_run(inputs={"x": {"dtype": "float32"}}),
        field="inputs.x.data",
        words=("must be given; got nothing",),
    ),
    "an input left out": Case(
        url=RUNS, arguments=_run(inputs={}), field="inputs.x", words=("must be given: float32",)
    ),
    "an input that is no array": Case(
        url=RUNS,
        arguments={"files": {"x": ("x.npy", b"no array")}},
        field="inputs.x",
        words=("must be a .npy file",),
    ),
    "a body of a type that nobody reads": Case(
        url=RUNS,
        arguments={"content": b"x", "headers": {"content-type": "image/png"}},
        field="content-type",
        words=("must be application/json, multipart/form-data or application/x-npy",),
    ),
    "a body that is no JSON": Case(
        url=RUNS,
        arguments={"content": b"{", "headers": {"content-type": "application/json"}},
        words=("the body must be JSON",),
    ),
    "a wait without end": Case(
        url=f"{RUNS}?wait_s=inf", arguments=_run(), field="wait_s", words=("wait_s must be",)
    ),
    "a setting where nobody reads it": Case(
        url=f"{RUNS}?deadline_ms=5", arguments=_run(), field="deadline_ms", words=("in the query",)
    ),
    "an unknown workload": Case(
        url="/v1/workloads/nope/runs",
        arguments=_run(),
        status=404,
        field="workload",
        words=("there is no workload 'nope'",),
    ),
    "an unknown run": Case(
        method="GET", url="/v1/runs/r-none", status=404, field="run", words=("'r-none'",)
    ),
    "a tensor outside of its folder": Case(
        method="GET",
        url="/v1/tensors/..%2f..%2fetc/passwd",
        field="key",
        words=("must be <run>/<name>",),
    ),
    "a wrong token": Case(
        method="GET",
        url="/v1/runs",
        arguments={"headers": {"authorization": "Bearer wrong"}},
        status=401,
        field="authorization",
        words=("must be given; got one that is not known",),
    ),
    "a size of nothing by more than there can be": Case(
        url=RUNS,
        arguments=_run(inputs={"x": {"dtype": "float32", "shape": [0, 2**63], "data": []}}),
        field="inputs.x.shape",
        words=("must be one that an array can have",),
    ),
    "a header of an array that ends in a bracket": Case(
        url=RUNS,
        arguments=_bare(_npy_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1,")),
        field="inputs.x",
        words=("must be a .npy file",),
    ),
    "a header of an array of a negative size": Case(
        url=RUNS,
        arguments=_bare(_npy_of("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 0)}")),
        field="inputs.x",
        words=("must be a .npy file",),
    ),
    "a boundary that is too long": Case(
        url=RUNS,
        arguments={
            "content": b"x",
            "headers": {"content-type": f"multipart/form-data; boundary={'b' * 257}"},
        },
        field="content-type",
        words=("with a boundary", "256"),
    ),
    "a host that is no host": Case(
        method="GET",
        url="/v1/runs",
        arguments={"headers": {"host": "["}},
        field="host",
        words=("host must be",),
    ),
    "a host that is no host where nobody is asked for a token": Case(
        method="GET",
        url="/nothing",
        arguments={"headers": {"host": "[::1"}},
        field="host",
        words=("host must be",),
    ),
    "an origin that is no address": Case(
        url=RUNS,
        arguments={"headers": {"origin": "http://["}},
        field="origin",
        words=("origin must be",),
    ),
    "a body in an encoding that nobody undoes": Case(
        arguments={
            "content": gzip.compress(b"{}"),
            "headers": {"content-type": "application/json", "content-encoding": "br"},
        },
        status=415,
        field="content-encoding",
        words=("must be gzip, or be left out", "br"),
    ),
    "a body that is not packed as it says": Case(
        arguments={
            "content": b"{}",
            "headers": {"content-type": "application/json", "content-encoding": "gzip"},
        },
        field="body",
        words=("packed by gzip", "incorrect header"),
    ),
    "a small body that unpacks to a large one": Case(
        arguments={
            "content": gzip.compress(bytes(50 * JSON_LIMIT)),
            "headers": {"content-type": "application/json", "content-encoding": "gzip"},
        },
        status=413,
        field="body",
        words=(f"at most {JSON_LIMIT} bytes",),
    ),
    "a small file that unpacks to a large one": Case(
        url="/v1/models",
        arguments={
            "content": gzip.compress(_form("file", bytes(50 * MODEL_LIMIT))),
            "headers": {
                "content-type": "multipart/form-data; boundary=b",
                "content-encoding": "gzip",
            },
        },
        status=413,
        field="file",
        words=(f"at most {MODEL_LIMIT} bytes",),
    ),
    "half of a surrogate pair": Case(
        url="/v1/models/double/profile",
        arguments={
            "content": b'{"shapes": {"\\ud800": [1]}}',
            "headers": {"content-type": "application/json"},
        },
        words=("the body must be JSON",),
    ),
    "a body of JSON over its limit": Case(
        url=RUNS,
        arguments=_run(inputs={"x": {"dtype": "float32", "data": [[0, 0, 0]] * 60_000}}),
        status=413,
        field="body",
        words=(f"at most {JSON_LIMIT} bytes", "send arrays as .npy"),
    ),
    "a format of metrics that nobody speaks": Case(
        method="GET",
        url="/metrics",
        arguments={"headers": {"accept": "application/openmetrics-text; version=x"}},
        field="accept",
        words=("accept must name",),
    ),
    "another web page": Case(
        url=RUNS,
        arguments={"headers": {"origin": "http://evil.example"}},
        status=403,
        field="origin",
        words=("evil.example",),
    ),
}


@pytest.fixture(scope="module")
async def good(service: Service) -> Service:
    """A service with a workload that bad requests can be aimed at."""
    await service.add_doubling("good")
    return service


@pytest.mark.parametrize("name", CASES)
async def test_bad_input_gets_a_clear_answer_and_makes_nothing(good: Service, name: str) -> None:
    case = CASES[name]
    before = await _all_there_is(good)
    answer = await good.client.request(case.method, case.url, **case.arguments)
    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.get("field", "") == case.field
    for words in case.words:
        assert words in problem["detail"]
    assert await _all_there_is(good) == before


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
async def test_an_archive_damaged_anywhere_is_refused_or_read(good: Service, method: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("x.npy", npy(np.zeros((1, 3), np.float32)))
    whole = file.getvalue()
    random = Random(0)
    damaged = [whole[: random.randrange(len(whole))] for _ in range(10)]
    for _ in range(40):
        changed = bytearray(whole)
        changed[random.randrange(len(whole))] ^= random.randrange(1, 256)
        damaged.append(bytes(changed))
    for content in damaged:
        files = {"x": ("x.npz", content)}
        answer = await good.client.post("/v1/workloads/good/plan", files=files)
        assert answer.status_code in {200, 413, 422}, answer.text


async def _all_there_is(service: Service) -> tuple[Any, ...]:
    store, tensors = service.context.store, service.context.services.tensors
    return (
        await store.models(),
        await store.workloads(),
        [record.run for record in await store.runs()],
        sorted(path.name for path in service.context.models_dir.iterdir()),
        sorted(path.name for path in tensors.root.glob("r-*/*")),
    )


async def test_a_token_lets_in_only_as_far_as_its_scope(store_url: str, tmp_path: Path) -> None:
    secrets = {scope: f"secret-{scope}" for scope in Scope}
    settings = Settings(data_dir=tmp_path, store_url=store_url, site=tmp_path.name, box="closed")
    write_tokens(
        tmp_path, [Token(name=s, sha256=digest(text), scopes=(s,)) for s, text in secrets.items()]
    )
    calls = {
        Scope.READ: ("GET", "/v1/runs"),
        Scope.SUBMIT: ("POST", "/v1/workloads/none/runs"),
        Scope.OPERATE: ("DELETE", "/v1/models/none"),
        Scope.AGENT: ("GET", "/v1/tensors/r-1/x"),
    }
    order = [Scope.READ, Scope.SUBMIT, Scope.OPERATE]
    async with serving(settings) as (url, _), httpx.AsyncClient(base_url=url) as client:
        for wanted, (method, path) in calls.items():
            nobody = await client.request(method, path)
            assert (nobody.status_code, "www-authenticate" in nobody.headers) == (401, True)
            for own, secret in secrets.items():
                headers = {"authorization": f"Bearer {secret}"}
                answer = await client.request(method, path, headers=headers)
                allowed = own is wanted or (
                    {own, wanted} <= set(order) and order.index(own) > order.index(wanted)
                )
                assert (answer.status_code != 403) is allowed
        assert (await client.get("/healthz")).status_code == 200
        body = {"token": secrets[Scope.READ]}
        assert (await client.post("/v1/session", json=body | {"token": "x"})).status_code == 401
        session = await client.post("/v1/session", json=body)
        assert "HttpOnly" in session.headers["set-cookie"]
        assert (await client.get("/v1/runs")).status_code == 200
        await client.delete("/v1/session")
        assert (await client.get("/v1/runs")).status_code == 401


async def test_a_dead_store_is_said_and_a_revived_one_is_used(
    tmp_path: Path, eventually: Any
) -> None:
    store = EmbeddedStore(Settings(data_dir=tmp_path / "store"))
    settings = Settings(data_dir=tmp_path, store_url=store.start(), site="dead", box=tmp_path.name)
    async with serving(settings) as (url, context), httpx.AsyncClient(base_url=url) as client:
        body = {
            "name": "w",
            "inputs": {"s": {"dtype": "float32", "shape": [1, -1]}},
            "stages": [{"name": "a", "function": "arg_max", "inputs": {"scores": "s"}}],
            "outputs": {"i": "a.indices"},
        }
        assert (await client.post("/v1/workloads", json=body)).status_code == 201
        run = {"inputs": {"s": {"dtype": "float32", "data": [[1] * 5000]}}}
        assert (await client.post("/v1/workloads/w/runs", json=run)).status_code == 202
        waiting = asyncio.create_task(client.post("/v1/workloads/w/runs?wait_s=60", json=run))

        async def is_accepted() -> bool:
            return len(await context.store.runs()) == 2

        await eventually(is_accepted)
        store.stop()
        for method, path, arguments in (
            ("GET", "/readyz", {}),
            ("GET", "/v1/schedule", {}),
            ("POST", "/v1/workloads/w/runs", {"json": run}),
            ("POST", "/v1/workloads", {"json": body}),
            ("POST", "/v1/models", _model(doubling_model())),
        ):
            answer = await client.request(method, path, **arguments)
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
            assert "store" in answer.json()["detail"]
        assert list(context.models_dir.iterdir()) == []
        assert len(list(context.services.tensors.root.glob("r-*"))) == 2
        assert (await client.get("/healthz")).status_code == 200
        store.start()

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await eventually(is_ready)
        runs = (await client.get("/v1/runs")).json()["runs"]
        for record in runs:
            await client.delete(f"/v1/runs/{record['run']}")
        answer = await waiting
        assert answer.json()["run"] in [record["run"] for record in runs]
        assert len(runs) == 2
    store.stop()


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """A file system of 1 MiB where we may mount one; else a limit on the size of files."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0:
        try:
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_is_said_and_leaves_nothing(store_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, store_url=store_url, site=tmp_path.name, box="full")
    async with serving(settings) as (url, context), httpx.AsyncClient(base_url=url) as client:
        with _small_disk(context.models_dir):
            answer = await client.post("/v1/models", **_model(b"x" * 3_000_000))
            assert answer.status_code == 507, answer.text
            assert answer.json()["title"] == "out of space"
            assert "the data folder must have room" in answer.json()["detail"]
            assert list(context.models_dir.iterdir()) == []
            assert (await client.post("/v1/models", **_model(doubling_model()))).status_code == 201


async def test_full_memory_for_tensors_is_said_and_leaves_nothing(
    store_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, store_url=store_url, site=tmp_path.name, box="memory")
    async with serving(settings) as (url, context), httpx.AsyncClient(base_url=url) as client:
        body = {
            "name": "w",
            "inputs": {"s": {"dtype": "float32", "shape": [1, -1]}},
            "stages": [{"name": "a", "function": "arg_max", "inputs": {"scores": "s"}}],
            "outputs": {"i": "a.indices"},
        }
        await client.post("/v1/workloads", json=body)
        root = context.services.tensors.root
        root.rmdir()
        with _small_disk(root):
            large = npy(np.zeros((1, 1_000_000), np.float32))
            answer = await client.post("/v1/workloads/w/runs", files={"s": ("s.npy", large)})
            assert answer.status_code == 507, answer.text
            assert list(root.glob("*/*")) == []
            assert (await client.get("/v1/runs")).json()["runs"] == []

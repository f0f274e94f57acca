from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

import devices.tensors.store
from devices.agent.shell.tensor_server import TensorApp
from devices.tensor_folders import default_root
from devices.tensors import TensorStore
from scheduler.model.errors import DeviceLost, InvalidTensor, OutOfSpace
from scheduler.model.messages import Release, Value

TEXTS = np.array([["a", "ü"], ["", "\x00"]], dtype=object)
ARRAYS: list[Any] = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.arange(6, dtype=np.float16).reshape(2, 3).T,
    np.array(2.5),
    np.array(True),
    np.zeros((2, 0), np.uint8),
    np.arange(4, dtype=">i8"),
    TEXTS,
    np.empty((0,), dtype=object),
]


@pytest.fixture
def store(tmp_path: Path) -> TensorStore:
    return TensorStore(tmp_path / "here", "here", "http://here", inline_bytes=0)


@pytest.mark.parametrize("inline_bytes", [0, 4096], ids=["file", "inline"])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_what_was_put_comes_back_over_the_wire(
    tmp_path: Path, array: np.ndarray[Any, Any], inline_bytes: int
) -> None:
    store = TensorStore(tmp_path, "here", "", inline_bytes)
    value = store.put("r-1", "op.1.y", array)
    sent = msgspec.json.decode(msgspec.json.encode(value), type=Value)
    got = store.get(sent)
    assert isinstance(got, np.ndarray)
    assert (got.shape, got.tolist()) == (array.shape, array.tolist())
    assert not got.flags.writeable


def test_lists_keep_their_order_also_when_empty(store: TensorStore) -> None:
    value = store.put("r-1", "op.1.y", ARRAYS)
    assert [a.shape for a in store.get(value)] == [a.shape for a in ARRAYS]
    assert store.get(store.put("r-1", "op.1.z", [])) == []


@pytest.mark.parametrize(
    "key",
    [
        "../x",
        "r-1/../../x",
        "/etc/passwd",
        "r-1/.x.1.2",
        "r-1",
        "r-1/a/b",
        "r-1/",
        ".r/x",
        "r-1/a\n",
    ],
)
def test_no_key_leads_out_of_the_folder(store: TensorStore, key: str) -> None:
    with pytest.raises(InvalidTensor, match="tensor key must be <run>/<name>"):
        store.path(key)


def test_any_name_of_an_output_makes_a_file_of_its_own(store: TensorStore) -> None:
    names = ["../up", "a/b", "a_b", "..", "%2E%2E", "n" * 500, "n" * 500 + "m", "ü", "a[0]"]
    values = [store.put("r-1", name, np.array([i])) for i, name in enumerate(names)]
    assert [int(store.get(value)[0]) for value in values] == list(range(len(names)))


def test_a_release_deletes_a_run_but_what_is_kept(store: TensorStore) -> None:
    kept, gone = (store.put("r-1", name, np.array([1])) for name in ("kept", "gone"))
    other = store.put("r-2", "other", np.array([1]))
    store.release(Release(run="r-1", keep=(kept.tensors[0].key,)))
    with pytest.raises(DeviceLost, match=r"r-1/gone\.0"):
        store.get(gone)
    assert store.get(kept) == store.get(other) == [1]
    store.release(Release(run="r-1"))
    store.release(Release(run="r-1"))
    assert not (store.root / "r-1").exists()


def test_two_may_release_one_run_at_the_same_moment(store: TensorStore) -> None:
    # The API and an agent of one box do: the first to be told may not break the other.
    releases = [Release(run=f"r-{i}") for i in range(300)]
    for release in releases:
        store.put(release.run, "y", np.zeros(100_000, dtype=np.uint8))
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(store.release, [each for each in releases for _ in range(2)]):
            pass
    assert not any(store.path(f"{release.run}/x").parent.exists() for release in releases)


def test_a_full_memory_is_said_and_leaves_nothing_behind(
    store: TensorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full").open("wb", 0)  # noqa: SIM115 - the tested code closes it
    monkeypatch.setattr(devices.tensors.store, "_open_new", lambda _: full)
    with pytest.raises(OutOfSpace, match=r"no room for tensor 'op\.1\.y\.0'"):
        store.put("r-1", "op.1.y", np.array([1]))
    assert list(store.root.rglob("*")) == []


def test_a_reference_that_does_not_fit_its_bytes_is_refused(store: TensorStore) -> None:
    value = store.put("r-1", "op.1.y", np.zeros(3))
    (ref,) = value.tensors
    for wrong in (replace(ref, shape=(4,)), replace(ref, dtype="object"), replace(ref, box="far")):
        with pytest.raises(InvalidTensor):
            store.get(Value(tensors=(wrong,)))


def test_objects_that_are_no_text_are_refused(store: TensorStore) -> None:
    with pytest.raises(InvalidTensor, match="must hold text; got int at element 1"):
        store.put("r-1", "op.1.y", np.array(["a", 1], dtype=object))


def test_bytes_that_are_no_text_are_refused_by_their_place(store: TensorStore) -> None:
    with pytest.raises(InvalidTensor, match="in UTF-8; element 1 is none at byte 2"):
        store.put("r-1", "op.1.y", np.array([b"ab", b"ab\xff"], dtype=object))


def test_a_box_has_one_private_folder_per_site() -> None:
    root = default_root("site/..", "box")
    assert root.parent.name == "site%2F.."
    assert root.parent.parent.stat().st_mode & 0o077 == 0


async def _fetch(source: TensorStore, target: TensorStore, value: Value, token: str) -> Value:
    transport = httpx.ASGITransport(TensorApp(source, "secret"))
    async with httpx.AsyncClient(transport=transport) as client:
        return await target.localise(value, client, {"Authorization": f"Bearer {token}"})


def test_a_tensor_is_fetched_from_another_box(store: TensorStore, tmp_path: Path) -> None:
    there = TensorStore(tmp_path / "there", "there", "http://there", inline_bytes=8)
    value = store.put("r-1", "op[0].1.a/b%", [np.arange(3), np.array(1, np.int8)])
    fetched = asyncio.run(_fetch(store, there, value, "secret"))
    assert [ref.box for ref in fetched.tensors] == ["there", "there"]
    assert [a.tolist() for a in there.get(fetched)] == [[0, 1, 2], 1]


def test_a_fetch_without_the_token_or_of_what_is_gone_fails(
    store: TensorStore, tmp_path: Path
) -> None:
    there = TensorStore(tmp_path / "there", "there", "http://there")
    value = store.put("r-1", "op.1.y", np.arange(3))
    with pytest.raises(DeviceLost, match="401"):
        asyncio.run(_fetch(store, there, value, "wrong"))
    store.release(Release(run="r-1"))
    with pytest.raises(DeviceLost, match="is gone from http://here") as error:
        asyncio.run(_fetch(store, there, value, "secret"))
    assert error.value.retry_after_us == 0


def test_the_server_hands_out_tensors_and_nothing_else(store: TensorStore) -> None:
    store.put("r-1", "op.1.y", np.array([7], np.uint8))
    (store.root / "secret").write_text("x")

    async def ask(method: str, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(TensorApp(store))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.request(method, path)

    assert asyncio.run(ask("GET", "/tensors/r-1/op.1.y.0")).content == b"\x07"
    for path in ("/tensors/secret", "/tensors/r-1/%2E%2E/%2E%2E/secret", "/secret", "/tensors/"):
        assert asyncio.run(ask("GET", path)).status_code == 404
    assert asyncio.run(ask("DELETE", "/tensors/r-1/op.1.y.0")).status_code == 405

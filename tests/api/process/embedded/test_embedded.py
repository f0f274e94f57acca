from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import redis

from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
from api.store import Store
from scheduler.control.events import Tick
from scheduler.model.errors import OutOfSpace, StoreUnavailable


@pytest.fixture
def embedded(settings: Settings) -> Iterator[EmbeddedStore]:
    server = EmbeddedStore(settings)
    yield server
    server.stop()


def client_of(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, protocol=2, decode_responses=True)


def orphan_pid(settings: Settings) -> int:
    """Start a store in a process that is then killed; return the server it leaves behind."""
    script = (
        "import os, pathlib, sys\n"
        "from api.process.embedded import EmbeddedStore\n"
        "from api.process.settings import Settings\n"
        "store = EmbeddedStore(Settings(data_dir=pathlib.Path(sys.argv[1])))\n"
        "store.start()\n"
        "print(store.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", script, str(settings.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -9, done.stderr
    return int(done.stdout)


def is_gone(pid: int) -> bool:
    """True if it runs no more; the process that inherited it may take a while to reap it."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_everything_acknowledged_survives_the_kill_of_the_server(embedded: EmbeddedStore) -> None:
    with client_of(embedded.start()) as client:
        for number in range(500):
            client.xadd("log", {"number": number})
    psutil.Process(embedded.pid).kill()
    psutil.Process(embedded.pid).wait()
    assert not embedded.alive()

    with client_of(embedded.start()) as client:
        found = client.xrange("log")
    assert [int(fields["number"]) for _, fields in found] == list(range(500))


def test_restarted_server_has_the_same_address(embedded: EmbeddedStore) -> None:
    url = embedded.start()
    embedded.stop()
    assert embedded.start() == url


def test_server_of_a_killed_parent_is_taken_over(
    settings: Settings, embedded: EmbeddedStore
) -> None:
    left_over = orphan_pid(settings)
    url = embedded.start()
    assert embedded.pid == left_over
    with client_of(url) as client:
        assert client.ping()
    embedded.stop()
    assert is_gone(left_over)


def test_left_over_server_with_other_settings_is_replaced(settings: Settings) -> None:
    left_over = orphan_pid(settings)
    server = EmbeddedStore(replace(settings, embedded_fsync="everysec"))
    server.start()
    try:
        assert server.pid != left_over
        assert is_gone(left_over)
    finally:
        server.stop()


def test_folder_never_has_two_servers(settings: Settings, embedded: EmbeddedStore) -> None:
    embedded.start()
    with pytest.raises(StoreUnavailable, match="runs the store in"):
        EmbeddedStore(settings).start()
    assert embedded.alive()


def test_log_that_was_cut_off_is_read_up_to_the_cut(
    settings: Settings, embedded: EmbeddedStore
) -> None:
    with client_of(embedded.start()) as client:
        client.set("first", "kept")
        client.set("second", "cut off")
    embedded.stop()
    (log,) = (settings.data_dir / "store").glob("**/*.incr.aof")
    log.write_bytes(log.read_bytes()[:-10])

    with client_of(embedded.start()) as client:
        assert client.get("first") == "kept"
        assert client.get("second") is None


def test_only_the_owner_can_read_the_password(settings: Settings, embedded: EmbeddedStore) -> None:
    embedded.start()
    folder = settings.data_dir / "store"
    for name in ("password", "valkey.conf"):
        assert (folder / name).stat().st_mode & 0o077 == 0


def test_store_refuses_a_wrong_password(embedded: EmbeddedStore) -> None:
    url = embedded.start()
    wrong = f"redis://:wrong@{url.partition('@')[2]}"
    with client_of(wrong) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    server = EmbeddedStore(Settings(data_dir=tmp_path / "file"))
    with pytest.raises(StoreUnavailable, match=r"file/store cannot be used: Not a directory"):
        server.start()


def test_full_disk_stops_writes_and_not_reads(
    embedded: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(url: str) -> None:
        store = await Store.connect(url, "site")
        try:
            await store.append(Tick(at_us=1))
        finally:
            await store.close()

    url = embedded.start()
    with monkeypatch.context() as patched:
        patched.setattr("api.process.embedded.server.LEAST_FREE_BYTES", 1 << 60)
        embedded.guard_space()
        with pytest.raises(OutOfSpace, match="its disk is full"):
            asyncio.run(write(url))
        with client_of(url) as client:
            assert client.keys() == []
    embedded.guard_space()
    asyncio.run(write(url))


def test_server_is_not_started_on_a_full_disk(
    embedded: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.process.embedded.server.LEAST_FREE_BYTES", 1 << 60)
    with pytest.raises(OutOfSpace, match=r"the disk of .* is full"):
        embedded.start()
    monkeypatch.undo()
    embedded.start()


def test_server_that_cannot_read_its_log_says_so(
    settings: Settings, embedded: EmbeddedStore
) -> None:
    with client_of(embedded.start()) as client:
        client.set("key", "value")
    embedded.stop()
    (log,) = (settings.data_dir / "store").glob("**/*.incr.aof")
    log.write_bytes(b"*1\r\n$3\r\nXXX\r\n*broken" + log.read_bytes())
    with pytest.raises(StoreUnavailable, match="ended at once"):
        embedded.start()

"""``fjord record`` and ``fjord replay``: a site decided again from a file, or the fault in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import psutil
import pytest

from api.cli.app import run
from api.store import FIRST, Head, Store
from api.store import pack as pack_checkpoint
from api.tools.demo.service import Service
from api.tools.recording.file import DecidingSettings, Recording, pack, unpack
from api.tools.recording.file import Head as FileHead
from api.tools.recording.replaying import decided, replay
from api.tools.recording.taking import take
from api.wiring import build_brain
from scheduler.control import checkpoint
from scheduler.control.brain import Brain
from scheduler.control.events import Event
from scheduler.model import keys
from scheduler.model.errors import InvalidCheckpoint, InvalidInput
from tests.scheduler.site import added, agent_joined, chain, submitted

SETTINGS = DecidingSettings(fill_share=0.02, age_us=60_000_000, unplaceable_us=60_000_000)


def brain_of(folder: Path, _: DecidingSettings) -> Brain:
    return build_brain(folder)


class Site:
    """A store with a log, and a brain that folds it and leaves checkpoints."""

    def __init__(self, store: Store) -> None:
        self.store, self.brain, self.event = store, build_brain(), FIRST

    async def happen(self, *events: Event) -> None:
        await self.store.append(*events)
        for entry, event in await self.store.events(self.event):
            self.brain.handle(event)
            self.event = entry

    async def keep(self, brain: Brain | None = None) -> None:
        head = Head(version=checkpoint.VERSION, event=self.event, epoch=1, at_us=0)
        packed = pack_checkpoint(head, checkpoint.taken(brain or self.brain))
        await self.store.call("HSET", keys.checkpoints(self.store.site), self.event, packed)

    async def trim(self) -> None:
        """Let the log go up to the last event."""
        await self.store.call("DEL", keys.events(self.store.site))
        await self.store.call("SET", keys.trimmed(self.store.site), self.event)


@pytest.fixture
async def live(store: Store) -> Site:
    found = Site(store)
    await found.happen(agent_joined(), added(chain()))
    return found


async def recorded(site: Site, folder: Path) -> Recording:
    found = await take(site.store, folder, SETTINGS)
    return replace(found, decisions=decided(found, brain_of)[0])


@pytest.mark.anyio
async def test_whole_log_is_decided_again_to_the_state_that_the_site_kept(
    live: Site, tmp_path: Path
) -> None:
    await live.happen(submitted("r-1", "chain@1", at_us=1))
    await live.keep()
    found = await recorded(live, tmp_path)
    verdict = replay(found, brain_of)
    assert (found.beginning, verdict.events) == (b"", 3)
    assert verdict.first is None
    assert verdict.state is True


@pytest.mark.anyio
async def test_log_that_went_behind_a_checkpoint_is_decided_from_there(
    live: Site, tmp_path: Path
) -> None:
    await live.keep()
    await live.trim()
    await live.happen(submitted("r-1", "chain@1", at_us=1))
    await live.keep()
    found = await recorded(live, tmp_path)
    verdict = replay(found, brain_of)
    assert found.beginning
    assert (verdict.events, verdict.state, verdict.first) == (1, True, None)


@pytest.mark.anyio
async def test_log_without_a_beginning_is_refused(live: Site, tmp_path: Path) -> None:
    await live.trim()
    with pytest.raises(InvalidCheckpoint, match="no longer in the log"):
        await take(live.store, tmp_path, SETTINGS)


@pytest.mark.anyio
async def test_site_that_the_store_does_not_know_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=f"got site '{store.site}' without any"):
        await take(store, tmp_path, SETTINGS)


@pytest.mark.anyio
async def test_events_that_were_set_aside_are_not_recorded(live: Site, tmp_path: Path) -> None:
    await live.store.call("SADD", keys.skipped(live.store.site), live.event)
    found = await take(live.store, tmp_path, SETTINGS)
    assert [each.kind for each in found.entries] == ["AgentJoined"]


@pytest.mark.anyio
async def test_first_event_on_which_something_else_is_decided_is_named(
    live: Site, tmp_path: Path
) -> None:
    await live.happen(submitted("r-1", "chain@1", at_us=1), submitted("r-2", "chain@1", at_us=2))
    found = await recorded(live, tmp_path)
    other = (*found.decisions[:2], b"another", *found.decisions[3:])
    first = replay(replace(found, decisions=other), brain_of).first
    assert first is not None
    assert first.event == found.entries[2].id


@pytest.mark.anyio
async def test_state_that_is_not_that_of_the_site_is_not_called_the_same(
    live: Site, tmp_path: Path
) -> None:
    await live.keep(build_brain())
    found = await recorded(live, tmp_path)
    verdict = replay(found, brain_of)
    assert verdict.state is False


@pytest.mark.anyio
async def test_events_after_the_time_asked_for_are_left_out(live: Site, tmp_path: Path) -> None:
    await live.happen(submitted("r-1", "chain@1", at_us=10), submitted("r-2", "chain@1", at_us=20))
    found = await recorded(live, tmp_path)
    assert replay(found, brain_of, upto_us=10).events == 3


@pytest.fixture
def file(
    service: Service,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A recording of the service that runs."""
    found = tmp_path / "site.fjord"
    site = psutil.Process(service.process.pid).environ()["FJORD_SITE"]
    monkeypatch.setenv("FJORD_SITE", site)
    assert run(["record", str(found), "--data", str(service.data_dir)]) == 0
    capsys.readouterr()
    return found


def test_running_service_is_recorded_and_decided_again(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["events"] > 1
    assert found["same"]


def _cut(packed: bytes) -> bytes:
    return packed[:-10]


def _damaged(packed: bytes) -> bytes:
    return packed[:-1] + bytes([packed[-1] ^ 1])


def _of_another_version(packed: bytes) -> bytes:
    line, _, body = packed.partition(b"\n")
    return msgspec.json.encode({**msgspec.json.decode(line), "version": 99}) + b"\n" + body


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "it is cut short": _cut,
    "it is damaged": _damaged,
    "must be of fjord-recording in version 1; got fjord-recording in version 99": (
        _of_another_version
    ),
    "must begin with its head": lambda _: b"\x89PNG\n",
}


@pytest.mark.parametrize("said", FAULTS)
def test_file_that_is_no_whole_recording_of_this_version_is_refused(
    said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "site.fjord"
    whole = Recording(settings=SETTINGS, beginning=b"", end=b"", entries=(), files={})
    file.write_bytes(FAULTS[said](pack(_head(), whole)))
    assert run(["replay", str(file)]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_recording_reads_as_it_was_written() -> None:
    whole = Recording(settings=SETTINGS, beginning=b"b", end=b"e", entries=(), files={"a": b"1"})
    assert unpack(pack(_head(), whole))[1] == whole


def test_folder_without_a_store_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "site.fjord"
    assert run(["record", str(target), "--data", str(tmp_path / "none")]) == 2
    assert "there must be a store in" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
    assert not target.exists()


def _head() -> FileHead:
    return FileHead(site="local", release="0", host="here", events=0)

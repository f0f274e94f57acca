"""A controller begins with the newest checkpoint that is whole; the log goes behind the older."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec
import pytest

from api.controller.checkpoints import CheckpointKeeper
from api.controller.settings import ControllerSettings, ControllerStatus
from api.process.stalls import LoopStalls
from api.store import FIRST, Batch, Store
from api.wiring import build_brain
from scheduler.control import checkpoint
from scheduler.control.brain import Brain
from scheduler.control.events import Event, Tick
from scheduler.model import keys
from scheduler.model.errors import Defect, InvalidCheckpoint
from tests.api.controller.conftest import FAST, Running
from tests.api.hand_agent import HandAgent
from tests.scheduler.site import added, agent_joined, chain, submitted

pytestmark = pytest.mark.anyio

Submit = Callable[..., Awaitable[None]]
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


class Taking:
    """A brain over the log of a store, and the keeper of its checkpoints."""

    def __init__(self, store: Store) -> None:
        self.store, self.brain, self.event = store, build_brain(), FIRST
        self.settings = ControllerSettings()
        self.checkpoints = self.another()

    def another(self) -> CheckpointKeeper:
        return CheckpointKeeper(
            self.store,
            1,
            self.settings,
            ControllerStatus(),
            LoopStalls(),
            commit=self.commit,
        )

    async def commit(self, batch: Batch) -> None:
        lease = await self.store.take_lease("c", 10_000)
        assert lease is not None
        await self.store.commit(lease, batch)
        await self.store.resign(lease)

    async def take(self, *events: Event) -> None:
        """Have some events happen, and take a checkpoint after them."""
        await self.store.append(*events)
        for entry, event in await self.store.events(self.event):
            self.brain.handle(event)
            self.event = entry
        await self.checkpoints.take(self.brain, self.event)


@pytest.fixture
async def taking(store: Store, compiled: None) -> Taking:
    found = Taking(store)
    await found.take(agent_joined(), added(chain()))
    return found


async def folded(store: Store, begin: tuple[Brain, str]) -> Brain:
    brain, event = begin
    for _, each in await store.events(event):
        brain.handle(each)
    return brain


async def test_what_begins_with_a_checkpoint_is_what_took_it(taking: Taking) -> None:
    await taking.take(submitted("r-1", "chain@1", at_us=1))
    brain, event = await taking.another().begin(build_brain)
    assert event == taking.event
    assert checkpoint.taken(brain) == checkpoint.taken(taking.brain)


async def test_the_log_goes_behind_the_older_of_two_checkpoints(taking: Taking) -> None:
    store, first = taking.store, taking.event
    assert len(await store.events()) == 2
    await taking.take(submitted("r-1", "chain@1", at_us=1))
    assert await store.trimmed() == first
    assert [event.run for _, event in await store.events()] == ["r-1"]  # type: ignore[union-attr]
    await taking.take(submitted("r-2", "chain@1", at_us=2))
    assert len(await store.checkpoints()) == 2


async def test_a_log_that_is_to_be_kept_stays_whole(taking: Taking) -> None:
    taking.settings = replace(taking.settings, keep_log=True)
    taking.checkpoints = taking.another()
    for i in range(3):
        await taking.take(submitted(f"r-{i}", "chain@1", at_us=i))
    assert await taking.store.trimmed() == ""
    assert len(await taking.store.events()) == 5


async def test_skipped_events_go_with_the_log(taking: Taking) -> None:
    store = taking.store
    await store.call("SADD", keys.skipped(store.site), taking.event, "99999999999999-0")
    await taking.take(submitted("r-1", "chain@1", at_us=1))
    assert await store.skipped() == {"99999999999999-0"}


def _another_version(packed: bytes) -> bytes:
    line, _, body = packed.partition(b"\n")
    head = msgspec.json.decode(line)
    return msgspec.json.encode(head | {"version": 99}) + b"\n" + body


async def test_a_release_trims_nothing_behind_what_it_has_not_read_back(taking: Taking) -> None:
    store, first = taking.store, taking.event
    packed = (await store.checkpoints())[first]
    await store.call("HSET", keys.checkpoints(store.site), first, _another_version(packed))
    taking.checkpoints = taking.another()
    await taking.checkpoints.begin(build_brain)
    await taking.take(submitted("r-1", "chain@1", at_us=1))
    assert await store.trimmed() == ""
    assert list(await store.checkpoints()) == [taking.event]


@pytest.mark.parametrize(
    "spoil",
    [lambda packed: packed[:-1], lambda _: b"junk", lambda _: b"", _another_version],
    ids=["cut", "junk", "empty", "another version"],
)
async def test_one_that_cannot_be_read_falls_back_to_the_one_before(
    taking: Taking, spoil: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    store, first = taking.store, taking.event
    await taking.take(submitted("r-1", "chain@1", at_us=1))
    packed = (await store.checkpoints())[taking.event]
    await store.call("HSET", keys.checkpoints(store.site), taking.event, spoil(packed))
    begin = await taking.another().begin(build_brain)
    assert begin[1] == first
    assert f"checkpoint of event {taking.event} is left out" in caplog.text
    again = await folded(store, begin)
    assert checkpoint.taken(again) == checkpoint.taken(taking.brain)


async def test_without_a_checkpoint_the_log_is_folded_from_its_beginning(taking: Taking) -> None:
    store = taking.store
    await store.call("HSET", keys.checkpoints(store.site), taking.event, b"junk")
    begin = await taking.another().begin(build_brain)
    assert begin[1] == FIRST
    again = await folded(store, begin)
    assert checkpoint.taken(again) == checkpoint.taken(taking.brain)


async def test_a_log_that_is_trimmed_is_not_taken_for_a_whole_one(taking: Taking) -> None:
    await taking.take(submitted("r-1", "chain@1", at_us=1))
    await taking.store.call("DEL", keys.checkpoints(taking.store.site))
    with pytest.raises(InvalidCheckpoint, match="are no longer in the log; there is none"):
        await taking.another().begin(build_brain)


async def test_what_cannot_be_stored_is_told_of_and_nothing_is_trimmed(taking: Taking) -> None:
    taking.brain.state.counters["odd"] = object()  # type: ignore[assignment]
    with pytest.raises(Defect, match="no form says how a object is stored"):
        await taking.take(submitted("r-1", "chain@1", at_us=1))
    assert await taking.store.trimmed() == ""


async def test_next_office_goes_on_from_the_checkpoint_of_the_one_before(
    store: Store,
    running: Running,
    agent: HandAgent,
    submit: Submit,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.controller.checkpoints.SHARE", 1.0)
    often = replace(FAST, checkpoint_events=1, checkpoint_look_s=0.02)
    await agent.join()
    async with running(settings=often) as first:
        await submit("r-1")

        async def is_trimmed() -> bool:
            await store.append(Tick(at_us=store.now_us()))
            return bool(await store.trimmed())

        await eventually(is_trimmed)
        assert first.status.checkpoints >= 2
    async with running() as second:

        async def is_in_office() -> bool:
            return second.status.in_office

        await eventually(is_in_office)
        assert second.status.folded <= len(await store.events())
        await submit("r-2")

        async def is_known() -> bool:
            record = await store.run("r-2")
            return record is not None and record.operations_total > 0

        await eventually(is_known)
        record = await store.run("r-1")
        assert record is not None
        assert record.operations_total == 3


async def test_without_a_beginning_nobody_takes_office_and_the_log_says_why(
    taking: Taking, running: Running, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    await taking.take(submitted("r-1", "chain@1", at_us=1))
    await taking.store.call("DEL", keys.checkpoints(taking.store.site))
    async with running() as controller:

        async def is_refused() -> bool:
            return controller.status.defects > 0

        await eventually(is_refused)
        assert not controller.status.in_office
    assert "no office without a beginning: a checkpoint must be readable" in caplog.text

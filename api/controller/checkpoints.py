"""The checkpoints of an office: the one that it begins with, and those that it takes."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from api.controller.settings import ControllerSettings, ControllerStatus
from api.process.forking import in_a_copy
from api.process.stalls import LoopStalls
from api.store import FIRST, KEPT, Batch, Head, Keeping, Store, order, pack, unpack
from scheduler.control import checkpoint
from scheduler.model.errors import Defect, InvalidCheckpoint

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

SHARE = 0.05
"""Checkpoints take no more than this of the time: a large site has them less often."""

_log = logging.getLogger(__name__)


class CheckpointKeeper:
    """Reads and takes checkpoints for one office.

    Parameters
    ----------
    epoch
        Of the office.
    commit
        Writes a batch while the office is held.
    kept
        Told the heads of those that are kept whenever they change.
    """

    def __init__(
        self,
        store: Store,
        epoch: int,
        settings: ControllerSettings,
        status: ControllerStatus,
        stalls: LoopStalls,
        *,
        commit: Callable[[Batch], Awaitable[None]],
        kept: Callable[[list[Head]], Awaitable[None]] | None = None,
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._settings = settings
        self._status = status
        self._stalls = stalls
        self._commit = commit
        self._tell_kept = kept
        # Those that this release has read back, the newest first: nothing else is relied on.
        self._proven: list[Head] = []
        self._others: list[str] = []
        self._pause_s = 0.0

    async def begin(self, make_brain: Callable[[], Brain]) -> tuple[Brain, str]:
        """The brain to begin with, and the last event that it has taken in.

        Raises
        ------
        InvalidCheckpoint
            If no checkpoint can be read, and the log begins later than one.
        """
        kept = await self._store.checkpoints()
        self._others = []
        found: tuple[Brain, str] | None = None
        faults: list[str] = []
        for event, packed in kept.items():
            if found is None:
                try:
                    brain, head = await asyncio.to_thread(_read, packed, make_brain)
                except InvalidCheckpoint as error:
                    faults.append(f"{event}: {error.message}")
                    _log.warning("the checkpoint of event %s is left out: %s", event, error)
                else:
                    found = (brain, head.event)
                    self._proven = [head]
                    continue
            self._others.append(event)
        if found is not None:
            return found
        gone = await self._store.trimmed()
        if gone:
            told = "; ".join(faults) or "there is none"
            raise InvalidCheckpoint(
                f"a checkpoint must be readable, as events up to {gone} are no longer in the log; "
                f"{told}"
            )
        return make_brain(), FIRST

    async def keep_taking(
        self,
        brain: Brain,
        taken: Callable[[], tuple[str, int]],
        done: Callable[[str], Awaitable[None]],
    ) -> None:
        """Take one after so many events, or after a while with some. A failure is tried again.

        Parameters
        ----------
        taken
            Says which event the brain has taken in last, and how many it has in all.
        done
            Returns once all that follows from everything up to an event is written.
        """
        settings, count, began_s = self._settings, taken()[1], time.monotonic()
        while True:
            await asyncio.sleep(settings.checkpoint_look_s)
            new, waited_s = taken()[1] - count, time.monotonic() - began_s
            is_due = new >= settings.checkpoint_events or waited_s >= settings.checkpoint_s
            if not new or not is_due or waited_s < self._pause_s:
                continue
            count, began_s = taken()[1], time.monotonic()
            try:
                await self.take(brain, taken()[0], done)
            except (Defect, OSError):
                _log.exception("no checkpoint could be taken; the log is kept instead")

    async def take(
        self, brain: Brain, event: str, done: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        """Take a checkpoint of a brain that has taken in everything up to an event, and keep it."""
        began_s = time.monotonic()
        head = Head(
            version=checkpoint.VERSION,
            event=event,
            epoch=self._epoch,
            at_us=self._store.now_us(),
            model=brain.state.oracle.report().artifact.get("digest", ""),
        )
        packed = await in_a_copy(
            lambda: _written(brain, head), lambda s: self._stalls.took(s, "a checkpoint")
        )
        if done is not None:
            # A controller that begins from it takes the effects of these events for written.
            await done(event)
        await self._keep(head, packed)
        took_s = time.monotonic() - began_s
        self._pause_s = took_s / SHARE
        self._status.checkpoints += 1
        self._status.checkpoint_bytes, self._status.checkpoint_s = len(packed), took_s
        _log.info("checkpoint of event %s: %d bytes in %.2f s", event, len(packed), took_s)

    async def _keep(self, head: Head, packed: bytes) -> None:
        older = [each for each in self._proven if each.event != head.event]
        proven, dropped = [head, *older][:KEPT], [head, *older][KEPT:]
        # Behind the oldest that is kept, and only once there is another one beside it.
        is_safe = len(proven) == KEPT and not self._settings.keep_log
        behind = proven[-1].event if is_safe else ""
        keeping = Keeping(
            event=head.event,
            packed=packed,
            drop=(*(each.event for each in dropped), *self._others),
            behind=behind,
            unskip=await self._skipped(behind) if behind else (),
        )
        await self._commit(Batch(checkpoint=keeping))
        self._proven, self._others = proven, []
        if self._tell_kept is not None:
            await self._tell_kept(proven)

    async def _skipped(self, behind: str) -> tuple[str, ...]:
        last = order(behind)
        return tuple(entry for entry in await self._store.skipped() if order(entry) <= last)


def _read(packed: bytes, make_brain: Callable[[], Brain]) -> tuple[Brain, Head]:
    with _collecting_nothing():
        head, document = unpack(packed)
        brain = make_brain()
        checkpoint.resume(brain, document)
    return brain, head


def _written(brain: Brain, head: Head) -> bytes:
    """Pack a checkpoint, and read it back: one that is not the same again is not relied on."""
    packed = pack(head, checkpoint.taken(brain))
    if not checkpoint.reads_back(brain, unpack(packed)[1]):
        raise Defect(f"the checkpoint of event {head.event} reads back as another one")
    return packed


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Make many objects that stay: looking for garbage among them would hold every thread."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

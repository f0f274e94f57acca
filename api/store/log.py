"""The log of events: append to it, read it."""

from __future__ import annotations

from typing import Any

from redis.exceptions import ResponseError

from api.store import codec
from api.store.connection import LONGEST_BLOCK_MS, Argument, Command, Connection
from api.store.queue import FINAL, NO_LIMITS, SAMPLE, QueueLimits, queues
from api.store.scripts import SUBMIT
from scheduler.control.events import EVENT_TYPES, Event, RunSubmitted
from scheduler.control.records import RunRecord, RunState
from scheduler.model import keys
from scheduler.model.errors import OutcomeUnknown, OutOfSpace, StoreUnavailable

FIRST = "0-0"
"""Reading after this id starts at the beginning of a stream."""


def queued(event: RunSubmitted) -> RunRecord:
    """The record of a run that was accepted and that no controller has looked at."""
    return RunRecord(
        run=event.run,
        kind="run",
        workload=event.workload,
        state=RunState.QUEUED,
        band=event.band,
        submitted_us=event.at_us,
        deadline_us=event.deadline_us,
        due_us=event.due_us,
    )


class Log(Connection):
    """The log of all that enters the brain, in the one order that counts."""

    async def append(self, *events: Event) -> None:
        """Add events to the end of the log, all or none. On return they are as safe as the store.

        Raises
        ------
        StoreUnavailable, OutOfSpace
            The events may or may not be in the log; they can be appended again.
        """
        key = keys.events(self.site)
        commands = [("XADD", key, "*", *codec.fields(event)) for event in events]
        if len(commands) == 1:
            await self.call(*commands[0])
        elif commands:
            await self.together(*commands)

    async def submit(self, event: RunSubmitted, limits: QueueLimits = NO_LIMITS) -> None:
        """Append the submission and make its record, so that the run can be looked up at once.

        Submitting the same run again changes nothing, and is never refused.

        Raises
        ------
        QueueFull
            If as many runs as may be are accepted and have not ended.
        StoreUnavailable, OutOfSpace
            The run was not accepted.
        OutcomeUnknown
            The run may or may not have been accepted.
        """
        try:
            await self.reach()
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error.message}: the run was not accepted") from error
        found = await self._submit(event, limits)
        if found < 0 and await self._swept(queues(self.site, event.workload)[-1 - found]):
            found = await self._submit(event, limits)
        if found < 0:
            raise limits.reached(event.workload, found)

    async def _submit(self, event: RunSubmitted, limits: QueueLimits) -> int:
        touched = [
            keys.run(self.site, event.run),
            keys.runs(self.site),
            keys.events(self.site),
            *queues(self.site, event.workload),
        ]
        arguments: list[Argument] = [codec.encode(queued(event)), event.at_us, event.run]
        arguments += [*codec.fields(event), limits.site, limits.workload]
        try:
            return int(await self.run_script(SUBMIT, touched, arguments))
        except OutOfSpace:
            raise
        except StoreUnavailable as error:
            if isinstance(error.__cause__, ResponseError):
                raise  # it refused: what a script does is done whole or not at all
            what = f"run {event.run} may or may not have been accepted"
            advice = "look it up, or submit it again under that id: twice is as once"
            raise OutcomeUnknown(f"{error.message}: {what}; {advice}", run=event.run) from error

    async def _swept(self, queue: str) -> bool:
        """Take out of a full queue those runs of a sample that have ended.

        Whoever ends a run takes it out. Should that ever be missed, the queue must not stay full.
        """
        sample = await self.call("SRANDMEMBER", queue, SAMPLE)
        records = await self.together(
            *(("HGET", keys.run(self.site, run.decode()), "record") for run in sample)
        )
        ended = [
            run
            for run, data in zip(sample, records, strict=True)
            if data is None or codec.decode(RunRecord, data).state in FINAL
        ]
        return bool(ended) and bool(await self.call("SREM", queue, *ended))

    async def events(
        self, after: str = FIRST, *, block_ms: int | None = None, count: int = 1000
    ) -> list[tuple[str, Event]]:
        """Events after that entry, oldest first, with their ids.

        Parameters
        ----------
        block_ms
            Longest wait for one if there is none yet; ``None`` does not wait.
        """
        found = await self.read({keys.events(self.site): after}, block_ms=block_ms, count=count)
        return codec.entries(found.get(keys.events(self.site), []), EVENT_TYPES)

    async def last_event(self) -> str:
        """Id of the latest event; `FIRST` if there is none."""
        return await self.last_entry(keys.events(self.site))

    async def last_entry(self, key: str) -> str:
        """Id of the latest entry of a stream; `FIRST` if there is none."""
        found = await self.call("XREVRANGE", key, "+", "-", "COUNT", 1)
        return found[0][0].decode() if found else FIRST

    async def read(
        self, after: dict[str, str], *, block_ms: int | None, count: int
    ) -> dict[str, list[codec.RawEntry]]:
        """Entries of several streams, each after its id."""
        streams = ("STREAMS", *after.keys(), *after.values())
        if block_ms is None:
            answer: Any = await self.call("XREAD", "COUNT", count, *streams)
        else:
            wait_ms = max(1, min(block_ms, LONGEST_BLOCK_MS))
            command: Command = ("XREAD", "COUNT", count, "BLOCK", wait_ms, *streams)
            answer = await self.block(wait_ms / 1000, *command)
        return {key.decode(): found for key, found in answer or []}

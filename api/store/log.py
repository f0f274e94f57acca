"""The log of events: append to it, read it."""

from __future__ import annotations

from typing import Any

from api.store import codec
from api.store.connection import LONGEST_BLOCK_MS, Argument, Command, Connection
from api.store.scripts import SUBMIT
from scheduler.control.events import EVENT_TYPES, Event, RunSubmitted
from scheduler.control.records import RunRecord, RunState
from scheduler.model import keys

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
    """What enters the brain, in the one order that counts."""

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

    async def submit(self, event: RunSubmitted) -> None:
        """Append the submission and make its record, so that the run can be looked up at once.

        Submitting the same run again changes nothing.
        """
        touched = [
            keys.run(self.site, event.run),
            keys.runs(self.site),
            keys.events(self.site),
        ]
        arguments: list[Argument] = [codec.encode(queued(event)), event.at_us, event.run]
        await self.run_script(SUBMIT, touched, [*arguments, *codec.fields(event)])

    async def events(
        self, after: str = FIRST, *, block_ms: int | None = None, count: int = 1000
    ) -> list[tuple[str, Event]]:
        """Events after that entry, oldest first, with their ids.

        Parameters
        ----------
        block_ms
            How long to wait for one if there is none yet; ``None`` does not wait.
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

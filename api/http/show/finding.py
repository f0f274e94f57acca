"""Runs wherever they are: in the store while they live and a while after, in the archive then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from api.history import Cursor, RunQuery
from api.history.archive import DAY_US
from api.history.reader import Removed
from api.http.answers import RunList
from api.http.context import Context
from api.store.run_ids import made_us
from scheduler.control.records import RunRecord, RunStory
from scheduler.control.settings import BrainSettings
from scheduler.model.errors import Gone, UnknownName

EXPLAIN_TIMEOUT_S = 0.5
"""Without an answer of the controller a run is shown as it is stored."""
STORY_TIMEOUT_S = 5.0
"""Nobody but the controller knows the story of a run that has not ended."""


async def whole_run(run: str, context: Context) -> RunRecord:
    """A run with its operations; raises as `shown_run` does."""
    found = await context.store.present(run, EXPLAIN_TIMEOUT_S)
    return found.whole() if found is not None else await _archived(run, context)


async def shown_run(run: str, context: Context) -> object:
    """A run with its operations, to be encoded: as they are now, where it has not ended.

    Raises
    ------
    Gone
        If it was removed from history, with the rule that did it.
    UnknownName
        If there is no such run.
    """
    found = await context.store.present(run, EXPLAIN_TIMEOUT_S)
    # A run leaves the store only once the archive has it: looking there second misses none.
    return found.plain() if found is not None else await _archived(run, context)


async def _archived(run: str, context: Context) -> RunRecord:
    found = await asyncio.to_thread(context.history.run, run)
    if found is None:
        raise await missing(run, context)
    return found


async def short_run(run: str, context: Context) -> RunRecord:
    """As `whole_run`, without the operations."""
    return await context.store.summary(run) or await archived_run(run, context)


async def archived_run(run: str, context: Context) -> RunRecord:
    """A run that the store has no more, without its operations; raises as `shown_run` does."""
    found = await asyncio.to_thread(context.history.summary, run)
    if found is None:
        raise await missing(run, context)
    return found


async def story_of(run: str, context: Context) -> RunStory:
    """The story of a run, up to now where it has not ended; raises as `shown_run` does.

    Raises
    ------
    Unavailable
        If it has not ended, and no controller answers.
    """
    found = await context.store.story(run, STORY_TIMEOUT_S)
    if found is None:
        found = await asyncio.to_thread(context.history.story, run)
    if found is None:
        raise await missing(run, context)
    return found


async def find_runs(query: RunQuery, limit: int, context: Context) -> RunList:
    """A page of the runs that are wanted, without their operations, the latest first."""
    # In this order, because a run that ends meanwhile is found in the archive.
    living = await context.store.find(
        query.wants, limit=limit + 1, since_us=query.since_us, latest_us=query.latest_us
    )
    kept = await asyncio.to_thread(context.history.find, query, limit + 1)
    found = {record.run: record for record in (*living, *kept)}
    page = sorted(found.values(), key=Cursor.of, reverse=True)
    rest = len(page) > limit
    return RunList(runs=page[:limit], next=str(Cursor.of(page[limit - 1])) if rest else "")


async def missing(run: str, context: Context) -> UnknownName:
    """The error for a run that is nowhere: a rule removed it, or there never was such a run."""
    at_us = made_us(run)
    if at_us is None or at_us > context.store.now_us():
        return UnknownName(f"there is no run {run!r}", field="run")
    settings = context.settings
    if not (settings.history_days and settings.history_bytes):
        law = f"{_kept_for()}, and no longer: FJORD_HISTORY_DAYS or FJORD_HISTORY_BYTES is 0"
        return Gone(f"run {run} is not there any more: {law}", field="run")
    removed = await asyncio.to_thread(context.history.removed, at_us)
    if not removed:
        return UnknownName(f"there is no run {run!r}", field="run")
    return Gone(f"run {run} was removed: {_rule(removed, at_us, context)}", field="run")


def refuse_removed_output(record: RunRecord, output: str) -> None:
    """Raise `Gone` for an output whose tensors went with the run's place in the store.

    Small ones travel inside the record and are still there.
    """
    value = record.outputs.get(output)
    if value is not None and any(tensor.inline is None for tensor in value.tensors):
        said = f"output {output} of run {record.run} was removed"
        raise Gone(f"{said}: {_kept_for()} with large outputs", field="output")


def _rule(removed: Iterable[Removed], at_us: int, context: Context) -> str:
    settings = context.settings
    rules = {each.rule for each in removed}
    is_old = at_us < context.store.now_us() - settings.history_days * DAY_US
    if "size" in rules and not (is_old and "age" in rules):
        return f"history takes at most {settings.history_bytes} bytes (FJORD_HISTORY_BYTES)"
    return f"history is kept for {settings.history_days:g} days (FJORD_HISTORY_DAYS)"


def _kept_for() -> str:
    settings = BrainSettings()
    minutes = settings.keep_ended_us / 60_000_000
    return (
        f"an ended run is kept for {minutes:g} minutes, or until {settings.keep_ended_runs} "
        "later runs have ended"
    )

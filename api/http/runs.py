"""Runs as every protocol starts, previews and cancels them: data in, data out, no HTTP.

A protocol reads a `Submission` from its own messages, calls `start`, and puts what comes back into
its own words. Errors are those of `scheduler.model.errors`; none of them is a status code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from api.http.body.inputs import described, store_inputs
from api.http.body.json_body import Submission
from api.http.context import Context
from api.http.schemas import Priority, RunSettings
from api.http.show.finding import short_run
from api.store import FINAL, QueueLimits
from api.store.catalogue import WorkloadRecord
from api.store.run_ids import new_run_id
from scheduler.control.events import RunCancelled, RunSubmitted
from scheduler.control.records import Preview, RunRecord
from scheduler.model.errors import Conflict, FjordError, OutcomeUnknown, Unavailable
from scheduler.model.messages import Release, Value
from scheduler.model.problem import Band

PREVIEW_TIMEOUT_S = 5.0
"""Longest time that a dry run waits for the controller."""

BANDS = {
    Priority.CRITICAL: Band.CRITICAL,
    Priority.HIGH: Band.HIGH,
    Priority.NORMAL: Band.NORMAL,
    Priority.BACKGROUND: Band.BACKGROUND,
}


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The patience of a caller.

    Parameters
    ----------
    seconds
        Longest wait for the end of the run. With 0 the answer comes once the run is accepted.
    hung_up
        Returns once the caller has gone; by default it never does.
    cancels
        True if the run is cancelled when its caller goes.
    """

    seconds: float = 0.0
    hung_up: Callable[[], Coroutine[Any, Any, object]] = _for_ever
    cancels: bool = True


NO_WAIT = Wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run that is safe in the log.

    Parameters
    ----------
    run
        Its id.
    record
        The run after the wait, without its operations, ended or as it then is. ``None`` where
        nobody waited, and where the store fell silent during the wait.
    """

    run: str
    record: RunRecord | None = None


async def start(
    context: Context,
    workload: WorkloadRecord,
    submission: Submission,
    wait: Wait = NO_WAIT,
    *,
    run: str = "",
) -> Started:
    """Start a run: check and store its inputs, have it accepted, and wait for its end if asked.

    The run is accepted whole or not at all. Once it is in the log, no error is raised for it: the
    caller gets the id. A caller that waits holds one of `Context.seats` meanwhile, and takes it
    before it reads the submission, so that a full house costs no reading.

    Parameters
    ----------
    run
        Id of a run that may have been accepted before, as `OutcomeUnknown` named it. If it was,
        and the store or history has it, nothing is submitted again. Without one, the run gets a
        new id.

    Raises
    ------
    InvalidInput
        If the inputs are not those that the workload declares.
    Conflict
        If the id belongs to a run of another workload.
    QueueFull, StoreUnavailable, OutOfSpace
        If the run is not accepted.
    OutcomeUnknown
        If nobody knows whether it is: the inputs are kept until somebody does, and the caller may
        submit again under the id in the error.
    """
    is_there = bool(run) and await _is_there(run, workload, context)
    is_new, run = not run, run or new_run_id(context.store.now_us())
    submitting = partial(_submit, submission, run, workload, context, is_new=is_new)
    if not wait.seconds:
        if not is_there:
            await submitting()
        return Started(run=run)
    # Waited for before it is submitted, so that its end cannot come in between.
    waiting = context.services.feed.wait_for_run(run, wait.seconds, is_new=not is_there)
    ended = asyncio.ensure_future(waiting)
    try:
        if not is_there:
            await submitting()
    except BaseException:
        ended.cancel()
        raise
    try:
        return Started(run=run, record=await _follow(run, ended, wait, context))
    except Unavailable:
        # The run is safe in the log, so its id is worth more to the caller than this error.
        return Started(run=run)


async def preview(context: Context, workload: WorkloadRecord, submission: Submission) -> Preview:
    """Ask the controller where a run would go and when it would end. Nothing runs.

    Raises
    ------
    InvalidInput
        If inputs are given and are not those that the workload declares.
    Unavailable
        If no controller answers in time.
    """
    values = described(submission.inputs, workload)
    at_us = context.store.now_us()
    event = _to_event(new_run_id(at_us), workload, submission.settings, values, at_us)
    return await context.store.ask(event, PREVIEW_TIMEOUT_S)


async def cancel(context: Context, run: str) -> bool:
    """Cancel a run in any state; True if it is being cancelled, False if it had ended.

    Raises
    ------
    UnknownName
        If there is no such run.
    """
    record = await short_run(run, context)
    if record.state in FINAL:
        return False
    await _cancel(run, "asked for", context)
    return True


async def _is_there(run: str, workload: WorkloadRecord, context: Context) -> bool:
    """True if a run was accepted before; `Conflict` if it is another one."""
    record = await context.store.summary(run)
    if record is None:
        # A busy site ends 500 more runs in seconds, and then the store has this one no more.
        record = await asyncio.to_thread(context.history.summary, run)
    if record is not None and record.workload.rpartition("@")[0] != workload.name:
        law = f"run must be one of workload {workload.name!r}"
        raise Conflict(f"{law}; got {run!r}, of {record.workload}", field="run")
    return record is not None


async def _submit(
    given: Submission, run: str, workload: WorkloadRecord, context: Context, *, is_new: bool
) -> None:
    """Store the inputs of a run and submit it, both or neither.

    Parameters
    ----------
    is_new
        True if nobody can have submitted this run before.
    """
    store, tensors, settings = context.store, context.services.tensors, context.settings
    context.settling.stop(run)
    values = await store_inputs(tensors, run, given.inputs, workload)
    most = workload.max_queued or settings.max_queued
    try:
        event = _to_event(run, workload, given.settings, values, store.now_us())
        await store.submit(event, QueueLimits(site=settings.max_queued, workload=most))
    except BaseException as error:
        # After a cancellation in the middle nobody knows either.
        is_known = isinstance(error, FjordError) and not isinstance(error, OutcomeUnknown)
        if is_known and is_new:
            tensors.release(Release(run=run))
        else:
            context.settling.begin(run)
        raise


def _to_event(
    run: str, workload: WorkloadRecord, settings: RunSettings, values: dict[str, Value], at_us: int
) -> RunSubmitted:
    """The event of a submission; times that were relative to now become absolute."""
    return RunSubmitted(
        at_us=at_us,
        run=run,
        workload=workload.key,
        inputs=values,
        band=BANDS[settings.priority],
        weight=settings.weight,
        deadline_us=_absolute_us(at_us, settings.deadline_ms),
        due_us=_absolute_us(at_us, settings.due_ms),
        drop_late=settings.on_late == "drop",
        allow=settings.allow,
        forbid=settings.forbid,
    )


def _absolute_us(at_us: int, after_ms: float | None) -> int | None:
    return None if after_ms is None else at_us + max(1, round(after_ms * 1000))


async def _cancel(run: str, reason: str, context: Context) -> None:
    await context.store.append(RunCancelled(at_us=context.store.now_us(), run=run, reason=reason))


async def _follow(
    run: str, ended: asyncio.Future[RunRecord | None], wait: Wait, context: Context
) -> RunRecord:
    """Wait for a run to end, but no longer than its caller."""
    gone = asyncio.ensure_future(wait.hung_up())
    either: set[asyncio.Future[Any]] = {ended, gone}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done() and wait.cancels:
            await _cancel(run, "its caller hung up", context)
        record = await ended if ended.done() else await context.store.summary(run)
    finally:
        ended.cancel()
        gone.cancel()
    return record or await short_run(run, context)

"""Runs: start, follow, cancel; and the dry run."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from api.history import Cursor, RunQuery
from api.history.queries import moment_us
from api.http import runs
from api.http.answers import Accepted, Explanation
from api.http.auth import Scope
from api.http.body.json_body import Submission
from api.http.body.media_types import JSON, MULTIPART, NPY, NPZ
from api.http.body.submission import read_submission
from api.http.context import of
from api.http.routes.common import FILE, json_of, reply, route, router_of, schema
from api.http.schemas import Priority
from api.http.show.finding import (
    archived_run,
    find_runs,
    refuse_removed_output,
    shown_run,
    story_of,
    whole_run,
)
from api.http.show.results import output_file, record_with_results
from api.store import FINAL
from api.store.catalogue import WorkloadRecord
from scheduler.control.records import RunState

router = router_of("runs", prefix="/v1")

LONGEST_WAIT_S = 3600.0
MAX_LISTED = 1_000
RUN_ID = r"^(r-[0-9a-v]{18})?$"
"""An id that was made here, or none."""
MOMENT = "Of the submission: a span back from now (90m, 2h, 7d), ISO 8601, or microseconds."
_BODY = {
    JSON: schema("RunRequest"),
    MULTIPART: {
        "schema": {
            "type": "object",
            "description": "The settings, and one part per input: a file (.npy, .npz, or any "
            "other as its bytes), or a field of type application/json with a tensor.",
            "properties": {"settings": {"$ref": "#/components/schemas/RunSettings"}},
            "additionalProperties": {"type": "string", "format": "binary"},
        }
    },
    NPY: FILE,
}
WaitS = Annotated[
    float,
    Query(
        ge=0,
        le=LONGEST_WAIT_S,
        allow_inf_nan=False,
        description="Seconds to wait for the end of the run.",
    ),
]
RunId = Annotated[
    str, Query(pattern=RUN_ID, description="Id of a run that may have been accepted before.")
]
Version = Annotated[int | None, Query(ge=1)]


@router.post(
    "/workloads/{name}/runs",
    **route(
        Scope.SUBMIT,
        {
            202: json_of(
                "Accepted", "The run was accepted; after a wait, its record as it stands."
            ),
            200: json_of("RunResult", "The run ended while the caller waited."),
        },
        _BODY,
    ),
)
async def start_run(
    request: Request,
    name: str,
    version: Version = None,
    wait_s: WaitS = 0.0,
    cancel_on_disconnect: bool = True,
    run: RunId = "",
) -> Response:
    """Start a run. With `wait_s`, the answer is its result, and hanging up cancels it.

    With `run`, the id that an error named, it is submitted again: where it was accepted, that
    changes nothing.

    A body of type application/x-npy is the only input of the workload; then settings are query
    parameters.
    """
    context = of(request)
    workload = await context.workloads.get(name, version)
    wait = runs.Wait(
        seconds=wait_s, hung_up=partial(_hung_up, request), cancels=cancel_on_disconnect
    )
    with context.seats.taken() if wait_s else contextlib.nullcontext():
        given = await _given(request, workload)
        started = await runs.start(context, workload, given, wait, run=run)
        record = started.record
        if record is None:
            location = {"Location": f"/v1/runs/{started.run}"}
            return reply(Accepted(run=started.run), 202, location)
        return await record_with_results(record, context, 200 if record.state in FINAL else 202)


async def _given(request: Request, workload: WorkloadRecord) -> Submission:
    context = of(request)
    return await read_submission(
        request,
        workload,
        json=context.json,
        max_bytes=context.settings.max_request_bytes,
        max_json_bytes=context.settings.max_json_bytes,
    )


@router.post(
    "/workloads/{name}/plan",
    **route(Scope.SUBMIT, {200: json_of("Preview", "The run as it would be placed now.")}, _BODY),
)
async def plan_run(request: Request, name: str, version: Version = None) -> Response:
    """Say where a run would go and when it would end. Nothing runs; inputs may be left out."""
    context = of(request)
    workload = await context.workloads.get(name, version)
    given = await _given(request, workload)
    return reply(await runs.preview(context, workload, given))


@router.get(
    "/runs", **route(Scope.READ, {200: json_of("RunList", "A page of runs, the latest first.")})
)
async def list_runs(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 100,
    state: RunState | None = None,
    kind: Annotated[str, Query(pattern="^(run|profile|)$")] = "",
    workload: Annotated[str, Query(description="A name, or `name@version`.")] = "",
    priority: Priority | None = None,
    since: Annotated[str, Query(description=MOMENT)] = "",
    until: Annotated[str, Query(description=MOMENT)] = "",
    cursor: Annotated[str, Query(description="`next` of the page before.")] = "",
) -> Response:
    """List runs without their operations, the latest first, also those that ended long ago."""
    context = of(request)
    now_us = context.store.now_us()
    query = RunQuery(
        workload=workload,
        band=None if priority is None else runs.BANDS[priority],
        state=state,
        kind=kind,
        since_us=moment_us(since, now_us, "since") if since else 0,
        until_us=moment_us(until, now_us, "until") if until else None,
        after=Cursor.read(cursor) if cursor else None,
    )
    return reply(await find_runs(query, limit, context))


@router.get("/runs/{run}", **route(Scope.READ, {200: json_of("RunRecord", "The run.")}))
async def get_run(request: Request, run: str, wait_s: WaitS = 0.0) -> Response:
    """Say where a run stands, with its operations. With `wait_s`, once it has ended."""
    context = of(request)
    if wait_s:
        with context.seats.taken():
            await context.services.feed.wait_for_run(run, wait_s)
    return reply(await shown_run(run, context))


@router.delete(
    "/runs/{run}",
    **route(
        Scope.SUBMIT,
        {
            202: json_of("Accepted", "It is being cancelled."),
            200: json_of("Accepted", "It had ended already."),
        },
    ),
)
async def cancel_run(request: Request, run: str) -> Response:
    """End a run, in whatever state it is."""
    is_cancelled = await runs.cancel(of(request), run)
    return reply(Accepted(run=run), 202 if is_cancelled else 200)


@router.get(
    "/runs/{run}/outputs/{output:path}",
    **route(
        Scope.READ,
        {
            200: {
                "description": "A tensor as .npy, or a list of them as .npz. Texts of very "
                "different lengths, or that end in NUL, come as JSON.",
                "content": {NPY: FILE, NPZ: FILE, JSON: {"schema": {}}},
            }
        },
    ),
)
async def get_output(
    request: Request, run: str, output: str, index: Annotated[int | None, Query(ge=0)] = None
) -> Response:
    """Fetch an output of a finished run; with `index`, one item of a list."""
    context = of(request)
    record = await context.store.summary(run)
    if record is None:
        record = await archived_run(run, context)
        refuse_removed_output(record, output)
    return await output_file(record, output, index, context)


@router.get("/runs/{run}/explain", **route(Scope.READ, {200: json_of("Explanation", "Why.")}))
async def explain_run(request: Request, run: str) -> Response:
    """Say what a run waited for, and of each operation why it runs where it does."""
    record = await whole_run(run, of(request))
    return reply(
        Explanation(
            run=run,
            operations=record.operations,
            waited=record.waited,
            inversions=record.inversions,
        )
    )


@router.get(
    "/runs/{run}/story", **route(Scope.READ, {200: json_of("RunStory", "Its transitions.")})
)
async def tell_run(request: Request, run: str) -> Response:
    """Tell each change of state of a run and of its operations, with the cause, oldest first.

    Of a long story the 200 first and the 200 latest lines are kept, and the number of the others.
    """
    return reply(await story_of(run, of(request)))


@router.get(
    "/runs/{run}/trace",
    **route(
        Scope.READ,
        {
            200: {
                "description": "A trace that Perfetto opens.",
                "content": {JSON: {"schema": {"type": "object"}}},
            }
        },
    ),
)
async def trace_run(request: Request, run: str) -> Response:
    """Fetch a run as a trace, for ui.perfetto.dev."""
    from api.http.show.trace import trace

    return reply(trace(await whole_run(run, of(request))))


async def _hung_up(request: Request) -> None:
    """Return when the caller has closed the connection; the body has been read by then."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

"""Workloads: immutable versions of graphs."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from fastapi import Request
from starlette.responses import Response

from api.http.answers import WorkloadList
from api.http.auth import Scope
from api.http.context import Context, of
from api.http.routes.common import json_of, reply, route, router_of
from api.http.schemas import WorkloadSpec
from api.http.workloads.mapping import input_infos, to_workload
from api.http.workloads.targets import Targets
from api.store.catalogue import WorkloadRecord
from devices.functions.registry import functions
from scheduler.control.events import WorkloadAdded, WorkloadRemoved

router = router_of("workloads", prefix="/v1/workloads")


@router.post(
    "",
    **route(
        Scope.OPERATE,
        {
            201: json_of("WorkloadRecord", "A new version was made."),
            200: json_of("WorkloadRecord", "The same content was there already, in this version."),
        },
    ),
)
async def add_workload(request: Request, body: WorkloadSpec) -> Response:
    """Register a workload; content that differs from all its versions becomes a new one."""
    context = of(request)
    draft = await _draft(body, context)
    async with context.filing:
        known = await _same_content(draft, context)
        if known is not None:
            return reply(known, headers=_location(known))
        record = await context.store.add_workload(lambda version: _version(draft, version))
    context.workloads.forget(body.name)
    return reply(record, 201, _location(record))


@router.get("", **route(Scope.READ, {200: json_of("WorkloadList", "All workloads.")}))
async def list_workloads(request: Request) -> Response:
    """List all versions of all workloads."""
    return reply(WorkloadList(workloads=await of(request).store.workloads()))


@router.get("/{name}", **route(Scope.READ, {200: json_of("WorkloadRecord", "The workload.")}))
async def get_workload(request: Request, name: str, version: int | None = None) -> Response:
    """Describe a workload: its latest version, or the one that is asked for."""
    return reply(await of(request).store.workload(name, version))


@router.delete("/{name}", **route(Scope.OPERATE, {204: {"description": "It is gone."}}))
async def delete_workload(request: Request, name: str, version: int | None = None) -> Response:
    """Delete a workload, or one version of it. Runs of it that are under way end normally."""
    context = of(request)
    first = await context.store.workload(name, version)  # refuses what is not there
    records = [first] if version is not None else await _versions(name, context)
    for record in records:
        event = WorkloadRemoved(at_us=context.store.now_us(), key=record.key)
        await context.store.remove_workload(event)
    context.workloads.forget(name)
    return Response(status_code=204)


async def _draft(spec: WorkloadSpec, context: Context) -> WorkloadRecord:
    """Check a workload; what comes back has no version yet."""
    models = {record.name: record for record in await context.store.models()}
    workload = to_workload(spec, 0, Targets(models=models, functions=functions()))
    return WorkloadRecord(
        name=spec.name,
        version=0,
        request=spec.model_dump(mode="json", exclude_unset=True),
        workload=workload,
        inputs=input_infos(spec),
        created_us=context.store.now_us(),
        max_queued=spec.max_queued,
    )


def _version(draft: WorkloadRecord, version: int) -> tuple[WorkloadRecord, WorkloadAdded]:
    workload = replace(draft.workload, version=version)
    record = replace(draft, version=version, workload=workload)
    return record, WorkloadAdded(at_us=draft.created_us, workload=workload)


async def _same_content(draft: WorkloadRecord, context: Context) -> WorkloadRecord | None:
    wanted = _content(draft)
    for record in reversed(await _versions(draft.name, context)):
        if _content(record) == wanted:
            return record
    return None


def _content(record: WorkloadRecord) -> bytes:
    # Meanings are compared, not spellings: a default may be spelt out or left out.
    workload = replace(record.workload, version=0)
    return msgspec.json.encode((workload, record.inputs, record.max_queued), order="sorted")


async def _versions(name: str, context: Context) -> list[WorkloadRecord]:
    return [record for record in await context.store.workloads() if record.name == name]


def _location(record: WorkloadRecord) -> dict[str, str]:
    return {"Location": f"/v1/workloads/{record.name}?version={record.version}"}

"""Workloads: immutable versions of graphs."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from api.http.answers import WorkloadList
from api.http.auth import Scope
from api.http.context import of
from api.http.oip.inference import CALLED
from api.http.registering import register, versions
from api.http.routes.common import json_of, reply, route, router_of
from api.http.schemas import WorkloadSpec
from api.http.show.workloads import workload_answer
from api.store.catalogue import WorkloadRecord
from scheduler.control.events import WorkloadRemoved
from scheduler.model.errors import InvalidWorkload

router = router_of("workloads", prefix="/v1/workloads")


@router.post(
    "",
    **route(
        Scope.OPERATE,
        {
            201: json_of("WorkloadAnswer", "A new version was made."),
            200: json_of("WorkloadAnswer", "The same content was there already, in this version."),
        },
    ),
)
async def add_workload(request: Request, body: WorkloadSpec) -> Response:
    """Register a workload; content that differs from all its versions becomes a new one."""
    if body.name.startswith(CALLED):
        law = f"name must not begin with {CALLED!r}, as the workloads of models that are called do"
        raise InvalidWorkload(f"{law}; got {body.name!r}", field="name")
    context = of(request)
    record, is_new = await register(body, context)
    answer = await workload_answer(record, context)
    return reply(answer, 201 if is_new else 200, _location(record))


@router.get("", **route(Scope.READ, {200: json_of("WorkloadList", "All workloads.")}))
async def list_workloads(request: Request) -> Response:
    """List all versions of all workloads."""
    return reply(WorkloadList(workloads=await of(request).store.workloads()))


@router.get("/{name}", **route(Scope.READ, {200: json_of("WorkloadAnswer", "The workload.")}))
async def get_workload(request: Request, name: str, version: int | None = None) -> Response:
    """Describe a workload: its latest version, or the one that is asked for."""
    context = of(request)
    return reply(await workload_answer(await context.store.workload(name, version), context))


@router.delete("/{name}", **route(Scope.OPERATE, {204: {"description": "It is gone."}}))
async def delete_workload(request: Request, name: str, version: int | None = None) -> Response:
    """Delete a workload, or one version of it. Runs of it that are under way end normally."""
    context = of(request)
    first = await context.store.workload(name, version)  # refuses what is not there
    records = [first] if version is not None else await versions(name, context)
    for record in records:
        event = WorkloadRemoved(at_us=context.store.now_us(), key=record.key)
        await context.store.remove_workload(event)
    context.workloads.forget(name)
    return Response(status_code=204)


def _location(record: WorkloadRecord) -> dict[str, str]:
    return {"Location": f"/v1/workloads/{record.name}?version={record.version}"}

"""Partitions of models: asked for, listed with their proofs, deleted."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from starlette.responses import Response

from api.http.auth import Scope
from api.http.context import Context, of
from api.http.models.partitions import add_partition, remove_partition, wanted_of
from api.http.routes.common import json_of, reply, route, router_of
from api.http.schemas import PartitionSpec
from api.http.show.partitions import PartitionList, partition_answer
from api.store.catalogue import ModelRecord
from scheduler.model.messages import Profile

router = router_of("models", prefix="/v1/models/{name}/partitions")


@router.post(
    "",
    **route(
        Scope.OPERATE,
        {
            201: json_of("PartitionAnswer", "The cut is proven; its pieces are measured now."),
            200: json_of("PartitionAnswer", "The model had this partition."),
        },
    ),
)
async def post_partition(request: Request, name: str, body: PartitionSpec) -> Response:
    """Cut a model into pieces, and prove on the CPU that they compute what the whole does."""
    context = of(request)
    _, partition, is_new = await add_partition(name, wanted_of(body), context)
    answer = partition_answer(partition, await _pieces(context), await _profiles(context))
    return reply(answer, 201 if is_new else 200)


@router.get("", **route(Scope.READ, {200: json_of("PartitionList", "Its partitions.")}))
async def list_partitions(request: Request, name: str) -> Response:
    """List the partitions of a model, with what was measured of each piece."""
    context = of(request)
    record = await context.store.model(name)
    pieces, profiles = await _pieces(context), await _profiles(context)
    found = [partition_answer(each, pieces, profiles) for each in record.partitions]
    return reply(PartitionList(model=name, partitions=found))


@router.delete("/{partition}", **route(Scope.OPERATE, {204: {"description": "It is gone."}}))
async def delete_partition(request: Request, name: str, partition: str) -> Response:
    """Delete a partition that no workload runs in."""
    context = of(request)
    async with context.filing:
        await remove_partition(name, partition, context)
    return Response(status_code=204)


async def _pieces(context: Context) -> dict[str, ModelRecord]:
    return {record.name: record for record in await context.store.all_models()}


async def _profiles(context: Context) -> Sequence[Profile]:
    view = await context.store.view()
    return view.profiles if view is not None else ()

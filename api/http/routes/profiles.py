"""Profiles: new measurements of a model, and the results down to its operators."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from fastapi import Request
from starlette.responses import Response

from api.http.answers import Accepted, ProfileList, RunOperators
from api.http.auth import Scope
from api.http.context import Context, of
from api.http.models.setups import interface_of
from api.http.routes.common import json_of, reply, route, router_of
from api.http.schemas import ProfileRequest
from api.http.show.drilldown.profiles import answers
from api.http.show.finding import whole_run
from api.http.show.matching import StagePlace, command, matches, places
from api.store.catalogue import ModelRecord
from api.store.run_ids import new_run_id
from devices.models import bind_shapes
from scheduler.control.events import ProfileRequested
from scheduler.control.records import RunRecord
from scheduler.control.workload import Stage
from scheduler.model.errors import UnknownName
from scheduler.model.messages import WorkKind

router = router_of("profiles", prefix="/v1")


@router.post(
    "/models/{name}/profile",
    **route(
        Scope.OPERATE,
        {202: json_of("Accepted", "It will be measured, as a run that one can follow.")},
    ),
)
async def profile_model(request: Request, name: str, body: ProfileRequest) -> Response:
    """Measure a model anew, as work of the least urgent kind and never beside a critical run."""
    context = of(request)
    record = await context.store.model(name)
    await _check_machines(body.machines, context)
    run = new_run_id(context.store.now_us())
    event = ProfileRequested(
        at_us=context.store.now_us(),
        run=run,
        digest=record.digest,
        machines=tuple(body.machines),
        shapes=_bound(record, body),
        operators=body.operators,
        name=name,
    )
    await context.store.append(event)
    return reply(Accepted(run=run), 202, {"Location": f"/v1/runs/{run}"})


@router.get(
    "/models/{name}/profiles",
    **route(Scope.READ, {200: json_of("ProfileList", "All that was measured of it.")}),
)
async def list_profiles(request: Request, name: str, operators: bool = False) -> Response:
    """Show what was measured of a model at all shapes, beside the prior; with its operators."""
    context = of(request)
    record = await context.store.model(name)
    profiles = await context.store.profiles(record.digest)
    found = await answers(profiles, context, operators=operators)
    return reply(ProfileList(model=name, profiles=found))


@router.get(
    "/runs/{run}/operators",
    **route(Scope.READ, {200: json_of("RunOperators", "Its operators, where it ran.")}),
)
async def run_operators(request: Request, run: str, stage: str) -> Response:
    """Show what each operator of the model of a stage takes, on the machines where the run was.

    They come from the latest profile with operators there, at the shapes of the run or, with a
    note, at others: `POST /v1/models/{name}/profile`.
    """
    context = of(request)
    record = await whole_run(run, context)
    found = await _stage(record, stage, context)
    ran = places(record.operations, stage)
    matched = matches(await context.store.profiles(found.digest), ran)
    if not matched:
        raise _unmeasured(found.target, ran)
    told = await answers([match.profile for match in matched], context, operators=True)
    profiles = tuple(
        replace(answer, note="; ".join(filter(None, (answer.note, match.note(found.target)))))
        for answer, match in zip(told, matched, strict=True)
    )
    return reply(RunOperators(run=run, stage=stage, model=found.target, profiles=profiles))


def _unmeasured(model: str, ran: list[StagePlace]) -> UnknownName:
    where = ", ".join(dict.fromkeys(f"{place.machine}:{place.provider}" for place in ran))
    asked = command(model, ran[0].shapes if ran else ())
    return UnknownName(
        f"the operators of {model} were not measured on {where or 'any machine'}: {asked}",
        field="stage",
    )


async def _check_machines(patterns: list[str], context: Context) -> None:
    view = await context.store.view()
    known = [machine.report.id for machine in view.machines] if view is not None else []
    for wanted in patterns:
        if not any(fnmatchcase(machine, wanted) for machine in known):
            law = f"machines must be among {', '.join(known) or 'none'}"
            raise UnknownName(f"{law}; got {wanted!r}", field="machines")


def _bound(record: ModelRecord, asked: ProfileRequest) -> dict[str, tuple[int, ...]]:
    """Shapes of all inputs; empty if they are to be those it is always measured with."""
    if not asked.shapes:
        return {}
    given = {name: tuple(shape) for name, shape in asked.shapes.items()}
    return bind_shapes(interface_of(record), given)


async def _stage(record: RunRecord, name: str, context: Context) -> Stage:
    workload, _, version = record.workload.rpartition("@")
    known = await context.workloads.get(workload, int(version)) if version.isdigit() else None
    stages = known.workload.stages if known is not None else ()
    for stage in stages:
        if stage.name == name and stage.kind is WorkKind.MODEL:
            return stage
    models = [stage.name for stage in stages if stage.kind is WorkKind.MODEL]
    law = f"stage must be one of a model: {', '.join(models) or 'this run has none'}"
    raise UnknownName(f"{law}; got {name!r}", field="stage")

"""Costs as the service knows them, and the accuracy of its predictions so far."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from api.http.answers import CostModels, MachinePeaks, PredictionList
from api.http.auth import Scope
from api.http.context import Context, of
from api.http.routes.common import json_of, reply, route, router_of
from api.oracle.loads import foreign_load, listed
from api.oracle.loads import neighbour as read_neighbour
from scheduler.control.forecast.costs import CostQuestion
from scheduler.control.records.costs import CostReport
from scheduler.model.errors import InvalidInput, Unavailable, UnknownName

ANSWER_TIMEOUT_S = 10.0

router = router_of("cost models", prefix="/v1/cost-models")


@router.get("", **route(Scope.READ, {200: json_of("CostModels", "The sources of predictions.")}))
async def get_cost_models(request: Request) -> Response:
    """Say which learned model is in force, what was measured, and how fast each machine is."""
    context = of(request)
    report = await _report(context)
    oracle = report.oracle
    return reply(
        CostModels(
            at_us=report.at_us,
            artifact=oracle.artifact or None,
            notes=oracle.notes,
            pairs=oracle.pairs,
            observations=oracle.observations,
            learning=report.learning,
            machines=await _peaks(context),
            links=report.links,
        )
    )


@router.get(
    "/accuracy",
    **route(Scope.READ, {200: json_of("AccuracyReport", "Predicted against actual, live.")}),
)
async def get_accuracy(request: Request) -> Response:
    """Say how good the predictions have been, by machine and provenance, and over time."""
    return reply((await _report(of(request))).accuracy)


@router.get(
    "/predictions",
    **route(Scope.READ, {200: json_of("PredictionList", "One entry per machine and provider.")}),
)
async def list_predictions(
    request: Request,
    work: str = "",
    machine: str = "",
    provider: str = "",
    load: str = "",
    neighbour: str = "",
) -> Response:
    """Predict work where it could run, for an idle box, with what each kind of load would add.

    `work` is the name of a model or function, or the digest of a model. With `load`, such as
    `compute:1:60` (kind, cores, percent of their time), or `neighbour`, such as `memory` or
    `compute:openvino`, it is predicted beside that, with what makes it so; commas stand between
    several. `work` has to be given then.
    """
    foreign, neighbours = listed(load, foreign_load), listed(neighbour, read_neighbour)
    known = (await _report(of(request))).known
    names = {name for entry in known for name in (entry.name, entry.digest)}
    if work and work not in names:
        raise UnknownName(f"no cost is known of {work!r} costs", field="work")
    if foreign or neighbours:
        if not work:
            law = "work must name a model or function where a load or neighbour is given"
            raise InvalidInput(f"{law}; got none", field="work")
        question = CostQuestion(
            work=work, machine=machine, provider=provider, foreign=foreign, neighbours=neighbours
        )
        asked = await of(request).store.ask_costs(question, ANSWER_TIMEOUT_S)
        return reply(PredictionList(predictions=asked))
    found = tuple(
        entry
        for entry in known
        if (not work or work in (entry.name, entry.digest))
        and (not machine or machine == entry.machine)
        and (not provider or provider == entry.provider)
    )
    return reply(PredictionList(predictions=found))


async def _report(context: Context) -> CostReport:
    report = await context.store.costs()
    if report is None:
        raise Unavailable("no controller has taken office at this site yet")
    return report


async def _peaks(context: Context) -> tuple[MachinePeaks, ...]:
    view = await context.store.view()
    machines = view.machines if view is not None else ()
    return tuple(
        MachinePeaks(machine=machine.report.id, peaks=machine.report.peaks) for machine in machines
    )

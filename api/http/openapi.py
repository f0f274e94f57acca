"""The OpenAPI document: paths from the routes, schemas from the types that are really sent."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.http import reference
from api.http.answers import (
    Accepted,
    CostModels,
    DeviceList,
    Explanation,
    Health,
    MissList,
    ModelAnswer,
    ModelList,
    OutputTensor,
    PlanList,
    Policy,
    PredictionList,
    ProfileList,
    RunList,
    RunOperators,
    RunResult,
    SetAsideList,
    Welcome,
    WorkloadList,
)
from api.http.errors import Problem
from api.http.schemas import JsonTensor, RunRequest, RunSettings, WorkloadSpec
from api.http.show.partitions import PartitionAnswer, PartitionList
from api.http.show.workloads import WorkloadAnswer
from api.store.catalogue import WorkloadRecord
from scheduler.control.records import Preview, RunRecord, RunStory, SiteView
from scheduler.control.records.costs import AccuracyReport

_REF = "#/components/schemas/"
# FastAPI's own form of a validation error, which this service never sends.
_NEVER_SENT = ("HTTPValidationError", "ValidationError")

DECLARED: tuple[type, ...] = (
    ModelAnswer,
    ModelList,
    PartitionAnswer,
    PartitionList,
    ProfileList,
    RunOperators,
    WorkloadAnswer,
    WorkloadRecord,
    WorkloadList,
    Accepted,
    OutputTensor,
    RunRecord,
    RunResult,
    RunList,
    MissList,
    PlanList,
    Explanation,
    RunStory,
    DeviceList,
    SiteView,
    Preview,
    Policy,
    CostModels,
    AccuracyReport,
    PredictionList,
    SetAsideList,
    Welcome,
    Health,
    Problem,
)
"""All types of answers: bodies are encoded from these very types."""


def install(app: FastAPI) -> None:
    """Make an application describe itself truly: to programs, and at ``/docs`` to people."""
    document: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not document:
            document.update(_document(app))
        return document

    def docs() -> Response:
        policy = {"Content-Security-Policy": reference.POLICY}
        return Response(reference.page(openapi()), media_type="text/html", headers=policy)

    app.openapi = openapi  # type: ignore[method-assign]
    app.get("/docs", include_in_schema=False)(docs)


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    components = document.setdefault("components", {})
    known = components.setdefault("schemas", {})
    for name in _NEVER_SENT:
        known.pop(name, None)
    known |= _answer_schemas() | _request_schemas()
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    for path in document["paths"].values():
        for operation in path.values():
            _drop_foreign_validation(operation["responses"])
    return document


def _answer_schemas() -> dict[str, Any]:
    """JSON schemas of all answers, by name."""
    _, components = msgspec.json.schema_components(DECLARED, ref_template=_REF + "{name}")
    return components


def _request_schemas() -> dict[str, Any]:
    """Schemas of bodies that routes read by themselves."""
    models = (WorkloadSpec, RunRequest, RunSettings, JsonTensor)
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REF + "{model}"
    )
    found: dict[str, Any] = definitions["$defs"]
    return found


def _drop_foreign_validation(responses: dict[str, Any]) -> None:
    given = responses.get("422", {}).get("content", {}).get("application/json", {})
    if given.get("schema", {}).get("$ref", "").removeprefix(_REF) in _NEVER_SENT:
        del responses["422"]

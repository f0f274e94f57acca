"""The types of answers that the OpenAPI document declares, and their JSON schemas."""

from __future__ import annotations

from typing import Any

import msgspec

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
from api.store.catalogue import WorkloadRecord
from scheduler.control.records import Preview, RunRecord, RunStory, SiteView
from scheduler.control.records.costs import AccuracyReport

DECLARED: tuple[type, ...] = (
    ModelAnswer,
    ModelList,
    ProfileList,
    RunOperators,
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


def schemas() -> dict[str, Any]:
    """JSON schemas of all answers, by name."""
    _, components = msgspec.json.schema_components(
        DECLARED, ref_template="#/components/schemas/{name}"
    )
    return components

"""The JSON form: whole, versioned, described by a schema, and clear about what is wrong."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from scheduler.model.codec import (
    SCHEMA_VERSION,
    from_json,
    json_schema,
    result_from_json,
    schedule_from_json,
    to_json,
)
from scheduler.model.errors import InvalidProblem
from scheduler.model.problem import Problem
from scheduler.model.schedule import Result, Schedule, Status, TracePoint
from tests.builders import chain
from tests.scheduler.reference import home_schedule
from tests.scheduler.strategies import problems

VALIDATORS = {
    cls: jsonschema.Draft202012Validator(json_schema(cls)) for cls in (Problem, Schedule, Result)
}


def wire(value: Problem | Schedule | Result) -> Any:
    data = json.loads(json.dumps(to_json(value)))
    VALIDATORS[type(value)].validate(data)
    return data


@given(problems())
def test_every_problem_survives_the_wire_and_fits_the_schema(problem: Problem) -> None:
    assert from_json(wire(problem)) == problem


@given(problems())
def test_schedules_survive_the_wire(problem: Problem) -> None:
    made = home_schedule(problem)
    assert schedule_from_json(wire(made)) == made


def test_results_survive_the_wire_also_where_nothing_is_late() -> None:
    result = Result(
        status=Status.FEASIBLE,
        solver="auto",
        objective="max_lateness",
        schedule=home_schedule(chain(5, 6)),
        value=-3,
        bound=-4,
        found_by="edd",
        trace=(TracePoint(time_s=0.5, value=2), TracePoint(time_s=1, value=-3)),
        statistics={"members": 2},
    )
    assert result_from_json(wire(result)) == result
    assert result_from_json(wire(Result(status=Status.LIMIT, solver="auto"))).value is None


@pytest.mark.parametrize("cls", VALIDATORS)
def test_the_schema_is_a_valid_schema(cls: type[Problem | Schedule | Result]) -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATORS[cls].schema)


def test_metadata_is_kept_as_it_is() -> None:
    problem = chain(1, metadata={"source": ["a", {"b": None}]})
    assert from_json(wire(problem)).metadata == problem.metadata


def broken(path: list[str | int], value: object) -> Any:
    data: Any = wire(chain(5, 6))
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["version"], 2, "version must be 1; got 2"),
        (["version"], True, "version must be 1; got True"),
        (["machines"], {}, "machines must be an array; got {}"),
        (["machines", 0], 3, "machines[0] must be an object; got 3"),
        (["machines", 0], {}, "machines[0].id is required; got None"),
        (["now_us"], "soon", "now_us must be an integer; got 'soon'"),
        (["now_us"], 1.0, "now_us must be an integer; got 1.0"),
        (["jobs", 0, "band"], "urgent", "jobs[0].band must be one of critical, high, normal, back"),
        (["jobs", 0, "band"], [], "jobs[0].band must be one of critical, high, normal, backgr"),
        (["operations", 1, "modes", 0, "duration_us"], 0, "operations[1].modes[0].duration_us m"),
        (["operations", 1, "modes", 0, "speed"], 1, "operations[1].modes[0].speed must be one of"),
        (["operations", 0, "id"], None, "operations[0].id must be a string; got None"),
        (["edges", 0, "size_bytes"], False, "edges[0].size_bytes must be an integer; got False"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(
    path: list[str | int], value: object, message: str
) -> None:
    with pytest.raises(InvalidProblem) as caught:
        from_json(broken(path, value))
    assert caught.value.message.startswith(message)
    assert message.startswith(caught.value.field)


@pytest.mark.parametrize("data", [None, [], "problem", 1])
def test_a_document_must_be_an_object(data: object) -> None:
    with pytest.raises(InvalidProblem, match="the document must be an object"):
        from_json(data)


def test_a_document_without_version_is_refused() -> None:
    with pytest.raises(InvalidProblem, match=f"version must be {SCHEMA_VERSION}; got None"):
        from_json({"machines": [], "jobs": [], "operations": []})

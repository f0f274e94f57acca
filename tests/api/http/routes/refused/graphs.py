"""Graphs of workloads that are refused."""

from __future__ import annotations

from typing import Any

from tests.api.http.routes.refused.asking import Case

STAGE = {"name": "a", "model": "double", "inputs": {"x": "x"}}


def graph(*stages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": "bad",
        "inputs": {"x": {"dtype": "float32", "shape": [-1, 3]}},
        "stages": list(stages) or [STAGE],
        "outputs": {"y": "a.y"},
    }
    return {"json": body | changes}


CASES = {
    "a name of the service's own": Case(
        arguments=graph(name="call.double"),
        field="name",
        words=("must not begin with 'call.'", "got 'call.double'"),
    ),
    "a cyclic graph": Case(
        arguments=graph(
            STAGE | {"inputs": {"x": "b.y"}}, {**STAGE, "name": "b", "inputs": {"x": "a.y"}}
        ),
        field="stages",
        words=("must not form a cycle", "a -> b -> a"),
    ),
    "an unknown model": Case(
        arguments=graph({**STAGE, "model": "nope"}),
        field="stages[0].model",
        words=("'nope'", "there are: ", "double"),
    ),
    "an unknown stage": Case(
        arguments=graph(outputs={"y": "nope.y"}), field="outputs.y", words=("'nope'",)
    ),
    "an unknown function": Case(
        arguments=graph({"name": "a", "function": "nope"}),
        field="stages[0].function",
        words=("'nope'", "arg_max"),
    ),
    "a shape that does not fit an edge": Case(
        arguments=graph(inputs={"x": {"dtype": "float32", "shape": [2, 4]}}),
        field="stages[0].inputs.x",
        words=("must be float32[n,3]; got float32[2,4] from 'x'",),
    ),
    "a type that does not fit an edge": Case(
        arguments=graph(inputs={"x": {"dtype": "int64", "shape": [-1, 3]}}),
        field="stages[0].inputs.x",
        words=("must be float32[n,3]; got int64[?,3]",),
    ),
    "two stages of one name": Case(
        arguments=graph(STAGE, STAGE), field="stages[1].name", words=("must be unique",)
    ),
    "a field that nobody knows": Case(
        arguments=graph(retries=3), field="retries", words=("not a field that is known",)
    ),
    "a negative period": Case(
        arguments=graph(period_ms=-5),
        field="period_ms",
        words=("not a field that is known here; got -5",),
    ),
    "a dimension below -1": Case(
        arguments=graph(inputs={"x": {"dtype": "float32", "shape": [-2]}}),
        field="inputs.x.shape[0]",
        words=("must be a size >= -1 or a name; got -2",),
    ),
}

"""The workload without Fjord: one stage after the other, in this process, on plain ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from devices.functions.registry import find
from devices.runtime.plain import plain_session
from devices.tensors import ArrayOrList

Body = Callable[[Mapping[str, ArrayOrList]], Mapping[str, ArrayOrList]]


class PlainPipeline:
    """Runs a workload's stages in the order they are written; fanned-out ones item by item.

    Parameters
    ----------
    definition
        The body of ``POST /v1/workloads``, with its stages in topological order.
    files
        The file of each model that it names.
    """

    def __init__(self, definition: Mapping[str, Any], files: Mapping[str, Path]) -> None:
        self._stages = definition["stages"]
        self._outputs = definition["outputs"]
        sessions = {name: plain_session(path) for name, path in files.items()}
        self._bodies = {stage["name"]: _body(stage, sessions) for stage in self._stages}
        self._fan_out = {stage["name"]: stage.get("for_each", "") for stage in self._stages}

    def run(self, inputs: Mapping[str, ArrayOrList]) -> dict[str, ArrayOrList]:
        """Run it once."""
        values: dict[str, Any] = dict(inputs)
        for stage in self._stages:
            name, over = stage["name"], stage.get("for_each")
            if over:
                count = len(values[over])
                given = [self._call(stage, values, item) for item in range(count)]
                outputs: Mapping[str, Any] = _transpose(given)
            else:
                outputs = self._call(stage, values, None)
            values |= {f"{name}.{output}": value for output, value in outputs.items()}
        return {name: values[reference] for name, reference in self._outputs.items()}

    def _call(
        self, stage: Mapping[str, Any], values: Mapping[str, Any], item: int | None
    ) -> Mapping[str, ArrayOrList]:
        arguments = {
            name: self._argument(stage, values[reference], reference, item)
            for name, reference in stage["inputs"].items()
        }
        return self._bodies[stage["name"]](arguments)

    def _argument(
        self, stage: Mapping[str, Any], value: Any, reference: str, item: int | None
    ) -> ArrayOrList:
        over = stage.get("for_each")
        producer = reference.partition(".")[0]
        same_fan_out = bool(over) and self._fan_out.get(producer) == over
        chosen: ArrayOrList = value[item] if reference == over or same_fan_out else value
        return chosen


def _body(stage: Mapping[str, Any], sessions: Mapping[str, Any]) -> Body:
    if "model" in stage:
        body: Body = sessions[stage["model"]]
        return body
    function, params = find(stage["function"]), stage.get("params", {})
    return lambda inputs: function(inputs, params)


def _transpose(given: list[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = given[0] if given else {}
    return {name: [outputs[name] for outputs in given] for name in names}

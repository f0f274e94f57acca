"""The functions and the models of the OCR workload together read what was drawn."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from api.tools.demo.images import render, sample_lines
from api.tools.demo.ocr import model_files, ocr_workload
from devices.functions.registry import find

MODELS = model_files()
WORKLOAD = ocr_workload(MODELS)


@pytest.fixture(scope="module")
def sessions() -> dict[str, Any]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return {name: ort.InferenceSession(str(path), options) for name, path in MODELS.items()}


def interpret(sessions: dict[str, Any], png: bytes) -> list[str]:
    """The workload, stage by stage, without a scheduler."""
    values: dict[str, Any] = {"image": np.frombuffer(png, np.uint8)}
    fanned: set[str] = set()
    for stage in WORKLOAD["stages"]:
        over = stage.get("for_each")
        rounds = range(len(values[over])) if over else range(1)
        given = []
        for index in rounds:
            inputs = {}
            for name, source in stage["inputs"].items():
                is_item = over and (source == over or source.partition(".")[0] in fanned)
                inputs[name] = values[source][index] if is_item else values[source]
            given.append(execute(sessions, stage, inputs))
        if over:
            fanned.add(stage["name"])
        for output in given[0]:
            each = [outputs[output] for outputs in given]
            values[f"{stage['name']}.{output}"] = each if over else each[0]
    lines: list[str] = values[WORKLOAD["outputs"]["lines"]].tolist()
    return lines


def execute(
    sessions: dict[str, Any], stage: dict[str, Any], inputs: dict[str, Any]
) -> dict[str, Any]:
    if "function" in stage:
        return find(stage["function"])(inputs, stage.get("params", {}))
    session = sessions[stage["model"]]
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_lines_that_were_drawn_are_read(sessions: dict[str, Any], seed: int) -> None:
    (lines,) = sample_lines(1, seed=seed)
    assert interpret(sessions, render(lines, seed=seed)) == lines


def test_lines_upside_down_are_turned_and_read(sessions: dict[str, Any]) -> None:
    lines = ["PALLET-29-GATE-66", "TRUCK-45-HALL-23"]
    image = Image.open(io.BytesIO(render(lines))).rotate(180)
    file = io.BytesIO()
    image.save(file, "PNG")
    assert interpret(sessions, file.getvalue()) == lines[::-1]

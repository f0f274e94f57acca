"""Uploads models of public packages as people have them, waits for their verdicts, and runs each.

Usage: ``python -m benchmarks.public_models FOLDER [URL]``. The folder holds the unpacked wheels of
silero-vad, magika, mtcnn-runtime, ddddocr and rapidocr-onnxruntime; a model that is not there is
left out. It prints the verdict of each machine and provider, and the time of one run.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fjord import Client

SEED = 7
URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class PublicModel:
    """A file of a package with the settings that `docs/models.md` names."""

    name: str
    file: str
    shapes: dict[str, list[int]] = field(default_factory=dict)
    examples: dict[str, Any] = field(default_factory=dict)


VAD = {"input": [1, 576], "state": [2, 1, 128]}
MODELS = (
    PublicModel("silero", "silero_vad.onnx", VAD, {"sr": 16000}),
    PublicModel("silero-ifless", "silero_vad_op18_ifless.onnx", {"input": [1, 576]}, {"sr": 16000}),
    PublicModel("magika", "standard_v3_3/model.onnx"),
    PublicModel("pnet", "pnet.onnx", {"input": [1, 3, 120, 160]}),
    PublicModel("ddddocr", "common_old.onnx", {"input1": [1, 1, 64, 160]}),
    PublicModel("ppocr-rec", "ch_PP-OCRv4_rec_infer.onnx", {"x": [1, 3, 48, 320]}),
    PublicModel("ppocr-det", "ch_PP-OCRv4_det_infer.onnx", {"x": [1, 3, 320, 320]}),
)


def main(arguments: list[str]) -> None:
    """Try each model that is there."""
    folder, url = Path(arguments[0]), arguments[1] if len(arguments) > 1 else URL
    with Client(url, timeout_s=120) as client:
        for each in MODELS:
            path = next((p for p in folder.rglob("*.onnx") if str(p).endswith(each.file)), None)
            if path is None:
                print(f"{each.name}: no {each.file} in {folder}")
            else:
                _try(client, each, path)


def _try(client: Client, each: PublicModel, path: Path) -> None:
    model = client.upload_model(
        each.name, path, profile_shapes=each.shapes, profile_inputs=each.examples
    )
    client.wait_until_profiled([each.name], timeout_s=600)
    verdicts = {f"{p['machine']}:{p['provider']}": p for p in client.model(each.name)["profiles"]}
    for place, found in verdicts.items():
        print(each.name, place, found["verdict"], found["reason"] or found["note"])
    workload = client.create_workload(_workload(model))
    before = time.perf_counter()
    run = client.wait(client.submit(workload["name"], _inputs(model)), timeout_s=120)
    took_ms = 1000 * (time.perf_counter() - before)
    shapes = {name: np.shape(value) for name, value in run.results().items()}
    print(f"{each.name} {run.state} in {took_ms:.0f} ms: {shapes}")


def _workload(model: dict[str, Any]) -> dict[str, Any]:
    names = [port["name"].replace(".", "_") for port in model["inputs"]]
    ports = {port["name"]: name for port, name in zip(model["inputs"], names, strict=True)}
    return {
        "name": f"run-{model['name']}",
        "inputs": {
            ports[port["name"]]: {"dtype": port["dtype"], "shape": _sizes(model, port["name"])}
            for port in model["inputs"]
        },
        "stages": [{"name": "only", "model": model["name"], "inputs": ports}],
        "outputs": {f"y{i}": f"only.{port['name']}" for i, port in enumerate(model["outputs"])},
    }


def _sizes(model: dict[str, Any], name: str) -> list[int]:
    return list(model["profile_shapes"][name])


def _inputs(model: dict[str, Any]) -> dict[str, Any]:
    random = np.random.default_rng(SEED)
    given = {}
    for port in model["inputs"]:
        name, shape = port["name"], _sizes(model, port["name"])
        example = model["profile_inputs"].get(name)
        values = random.uniform(0, 1, shape) if example is None else example["data"]
        given[name.replace(".", "_")] = np.asarray(values, dtype=port["dtype"])
    return given


if __name__ == "__main__":
    main(sys.argv[1:])

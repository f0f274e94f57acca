"""The time that the service adds to a bare ``session.run``, for one stage and for each further.

One model of about a millisecond (the OCR orientation classifier, with its input passed through so
that stages can be chained), one keep-alive connection, one request at a time. Bare runs, single
stages and chains are measured in turn, so that a slow minute of the box meets them all.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from api.process.settings import Settings
from api.tools.demo.ocr import SHAPES, model_files
from benchmarks.conditions import conditions
from benchmarks.sites import Site, site
from fjord import Client

SEED = 7
ROUNDS = 5
PER_ROUND = 100
WARM_UP = 30
STAGES = (1, 2, 3, 4)
MODEL = "orientation"
SHAPE = SHAPES["text-orientation"]["x"]
QUERY = "wait_s=10&allow=*:cpu"
"""The CPU provider on both sides: the same kernels on one thread."""

Sample = dict[str, float]


def passing_model(source: Path, target: Path) -> None:
    """Give the classifier a second output that repeats its input."""
    model = onnx.load(str(source))
    model.graph.node.append(helper.make_node("Identity", ["x"], ["passed"]))
    model.graph.output.append(
        helper.make_tensor_value_info("passed", TensorProto.FLOAT, ["N", *SHAPE[1:]])
    )
    onnx.save(model, str(target))


def bare(model: Path, x: Any) -> Callable[[], Sample]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def once() -> Sample:
        began = time.perf_counter()
        session.run(None, {"x": x})
        return {"total": (time.perf_counter() - began) * 1000}

    return once


def chain(stages: int) -> dict[str, Any]:
    """Describe a workload of equal stages, each fed by the one before."""
    names = [f"s{index}" for index in range(stages)]
    sources = ["x", *(f"{name}.passed" for name in names)]
    return {
        "name": f"chain-{stages}",
        "inputs": {"x": {"dtype": "float32", "shape": list(SHAPE)}},
        "stages": [
            {"name": name, "model": MODEL, "inputs": {"x": source}}
            for name, source in zip(names, sources, strict=False)
        ],
        "outputs": {"scores": f"{names[-1]}.save_infer_model/scale_0.tmp_1"},
    }


def over_http(
    connection: http.client.HTTPConnection, client: Client, stages: int, x: Any
) -> Callable[[], Sample]:
    file = io.BytesIO()
    np.save(file, x)
    body = file.getvalue()
    path = f"/v1/workloads/chain-{stages}/runs?{QUERY}"

    def once() -> Sample:
        began = time.perf_counter()
        connection.request("POST", path, body, {"content-type": "application/x-npy"})
        response = connection.getresponse()
        answer = response.read()
        total = (time.perf_counter() - began) * 1000
        record = json.loads(answer)
        if record.get("state") != "finished":
            raise SystemExit(f"a run did not finish: {answer[:500]!r}")
        return {"total": total} | spans(client.run(record["run"]).record, total)

    return once


def spans(record: dict[str, Any], total_ms: float) -> Sample:
    """Milliseconds that each phase of a run took, by name."""
    operations = sorted(record["operations"], key=lambda operation: operation["started_us"])
    busy_us = sum(op["ended_us"] - op["started_us"] for op in operations)
    first_us, last_us = operations[0]["started_us"], operations[-1]["ended_us"]
    in_service_us = record["ended_us"] - record["submitted_us"]
    return {
        "accepted to started": (first_us - record["submitted_us"]) / 1000,
        "in workers": busy_us / 1000,
        "between stages": (last_us - first_us - busy_us) / 1000,
        "HTTP, and noticing the end": total_ms - in_service_us / 1000,
    }


def measure(ways: dict[str, Callable[[], Sample]]) -> dict[str, list[Sample]]:
    for once in ways.values():
        for _ in range(WARM_UP):
            once()
    found: dict[str, list[Sample]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, once in ways.items():
            found[name] += [once() for _ in range(PER_ROUND)]
    return found


def column(samples: Sequence[Sample], name: str) -> list[float]:
    return [sample[name] for sample in samples]


def report(found: dict[str, list[Sample]]) -> Iterator[str]:
    bare_p50 = median(column(found["bare session.run"], "total"))
    yield f"{'way':<22}{'p50 ms':>9}{'p99 ms':>9}{'added p50':>11}{'ratio':>8}"
    for name, samples in found.items():
        totals = column(samples, "total")
        p50, p99 = median(totals), float(np.percentile(totals, 99))
        yield f"{name:<22}{p50:>9.2f}{p99:>9.2f}{p50 - bare_p50:>11.2f}{p50 / bare_p50:>8.2f}"
    yield ""
    yield "added by each further stage, beyond its compute (p50, ms):"
    one = median(column(found[label(1)], "total"))
    for stages in STAGES[1:]:
        total = median(column(found[label(stages)], "total"))
        yield f"  {label(stages):<20}{(total - one) / (stages - 1) - bare_p50:>9.2f}"
    yield ""
    yield "where the time of a run goes (p50, ms):"
    for stages in STAGES:
        samples = found[label(stages)]
        parts = {name: median(column(samples, name)) for name in samples[0] if name != "total"}
        said = ", ".join(f"{name} {value:.2f}" for name, value in parts.items())
        yield f"  {label(stages):<12}{said}"


def label(stages: int) -> str:
    return "1 stage" if stages == 1 else f"{stages} stages"


def header() -> str:
    kib = 4 * int(np.prod(SHAPE)) // 1024
    fsync = Settings.from_environment().embedded_fsync
    return (
        f"{conditions([SEED])}, ONNX Runtime {onnxruntime.__version__}\n"
        f"{ROUNDS} rounds of {PER_ROUND} each after {WARM_UP}, "
        f"in turn; body .npy of {kib} KiB; store: fsync {fsync}\n"
    )


def ways(service: Site, client: Client, model: Path) -> dict[str, Callable[[], Sample]]:
    x = np.random.default_rng(SEED).standard_normal(SHAPE).astype(np.float32)
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"))
    return {"bare session.run": bare(model, x)} | {
        label(stages): over_http(connection, client, stages, x) for stages in STAGES
    }


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "passing.onnx"
        passing_model(model_files()["text-orientation"], model)
        with site() as service, Client(service.url) as client:
            client.upload_model(MODEL, model, profile_shapes={"x": SHAPE})
            client.wait_until_profiled([MODEL])
            for stages in STAGES:
                client.create_workload(chain(stages))
            print(header())
            print("\n".join(report(measure(ways(service, client, model)))))


if __name__ == "__main__":
    main()

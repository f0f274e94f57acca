"""The time that a call adds to a bare ``session.run``, beside a durable run and beside mosec.

The OCR orientation classifier, some 110 KB in as bytes. One keep-alive client, one request at a
time, all ways in turn, so that a slow minute of the box meets them all; then eight clients at once.
mosec is measured where it is installed (``pip install mosec==0.9.8``).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import numpy as np
import onnxruntime
import psutil

from api.http.oip.rpc.messages import SERVICE, message_class
from api.process.ports import free_port
from api.tools.demo.ocr import model_files
from benchmarks.conditions import conditions
from benchmarks.overhead import SHAPE, bare
from benchmarks.sites import site
from fjord import Client

SEED = 7
ROUNDS, PER_ROUND, WARM_UP = 10, 20, 30
CLIENTS, CLIENTS_S = 8, 4.0
MODEL = "orientation"
INFER = f"/v2/models/{MODEL}/infer"
RUN = "/v1/workloads/single/runs?wait_s=30"
START_S = 60.0

PEER = """
import os

import numpy as np
import onnxruntime
from mosec import Server, Worker


class Classifier(Worker):
    def __init__(self):
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["MODEL_FILE"], options, providers=["CPUExecutionProvider"]
        )
        self.shape = [int(size) for size in os.environ["SHAPE"].split(",")]

    def deserialize(self, data):
        return np.frombuffer(data, np.float32).reshape(self.shape)

    def serialize(self, data):
        return bytes(data.tobytes())

    def forward(self, data):
        return self.session.run(None, {"x": data})[0]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Classifier, num=int(os.environ.get("WORKERS", "1")))
    server.run()
"""
"""A server of mosec on the model in ``MODEL_FILE``; a file of its own, which its workers import."""

Once = Callable[[], float]


class Line:
    """One keep-alive connection that sends the same request again and again."""

    def __init__(self, address: tuple[str, int], path: str, body: bytes, headers: str) -> None:
        self._socket = socket.create_connection(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        self._request = f"{head}{headers}\r\n".encode() + body
        self._file = self._socket.makefile("rb")

    def once(self) -> float:
        """Milliseconds from the request to the whole answer."""
        began = time.perf_counter()
        self._socket.sendall(self._request)
        status = self._file.readline()
        length = 0
        while (line := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer = self._file.read(length)
        if b" 200" not in status:
            raise SystemExit(f"{status!r} {answer[:300]!r}")
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def call_body(x: Any) -> tuple[bytes, str]:
    data = x.tobytes()
    given = {"name": "x", "shape": list(SHAPE), "datatype": "FP32"}
    header = {
        "inputs": [{**given, "parameters": {"binary_data_size": len(data)}}],
        "outputs": [{"name": "save_infer_model/scale_0.tmp_1"}],
        "parameters": {"binary_data_output": True},
    }
    text = json.dumps(header).encode()
    return text + data, f"Inference-Header-Content-Length: {len(text)}\r\n"


@contextlib.contextmanager
def over_grpc(port: int, x: Any) -> Iterator[Once]:
    """The same call over gRPC, on one channel, from a client that does nothing else."""
    request = message_class("ModelInferRequest")(
        model_name=MODEL,
        inputs=[{"name": "x", "datatype": "FP32", "shape": SHAPE}],
        raw_input_contents=[x.tobytes()],
    )
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        infer = channel.unary_unary(
            f"/{SERVICE}/ModelInfer",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_class("ModelInferResponse").FromString,
        )

        def once() -> float:
            began = time.perf_counter()
            infer(request)
            return (time.perf_counter() - began) * 1000

        yield once


def run_body(x: Any) -> tuple[bytes, str]:
    file = io.BytesIO()
    np.save(file, x)
    return file.getvalue(), "Content-Type: application/x-npy\r\n"


@contextlib.contextmanager
def mosec(model: Path, workers: int, folder: str) -> Iterator[tuple[int, int]]:
    """A server of mosec: its port and its process."""
    port = free_port()
    file = Path(folder) / "peer.py"
    file.write_text(PEER)
    command = [sys.executable, str(file), "--port", str(port)]
    extra = {"MODEL_FILE": str(model), "SHAPE": ",".join(map(str, SHAPE)), "WORKERS": str(workers)}
    process = subprocess.Popen(
        [*command, "--address", "127.0.0.1", "--log-level", "warning"],
        env={**os.environ, **extra},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            if time.monotonic() > deadline:
                raise SystemExit("mosec did not start")
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def processor_ms(pid: int) -> float:
    """Processor time of a process and all below it."""
    found = 0.0
    for each in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            found += sum(each.cpu_times()[:2]) * 1000
    return found


def rate(made: Sequence[Any]) -> float:
    """Answers per second of several clients at once, each with a line of its own."""
    lines = [Line(*made) for _ in range(CLIENTS)]
    until = time.perf_counter() + CLIENTS_S

    def loop(line: Line) -> int:
        done = 0
        while time.perf_counter() < until:
            line.once()
            done += 1
        return done

    with ThreadPoolExecutor(len(lines)) as pool:
        done = sum(pool.map(loop, lines))
    for line in lines:
        line.close()
    return done / CLIENTS_S


def in_turn(ways: dict[str, tuple[Once, int]]) -> dict[str, tuple[list[float], float]]:
    """Milliseconds of each request by way, and processor time per request."""
    for once, _ in ways.values():
        for _ in range(WARM_UP):
            once()
    times: dict[str, list[float]] = {name: [] for name in ways}
    spent = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for name, (once, pid) in ways.items():
            before = processor_ms(pid)
            times[name] += [once() for _ in range(PER_ROUND)]
            spent[name] += processor_ms(pid) - before
    return {name: (times[name], spent[name] / len(times[name])) for name in ways}


def report(found: dict[str, tuple[list[float], float]], rates: dict[str, float]) -> Iterator[str]:
    bare_p50 = median(found["bare session.run"][0])
    yield (
        f"{'way':<20}{'p50 ms':>9}{'p99 ms':>9}{'added p50':>11}{'by mosec':>10}"
        f"{'processor ms':>14}{f'{CLIENTS} clients/s':>13}"
    )
    peer = found.get("mosec")
    peer_added = median(peer[0]) - bare_p50 if peer is not None else 0.0
    for name, (times, spent) in found.items():
        added = median(times) - bare_p50
        by = f"{added / peer_added:.2f}" if peer_added > 0 and added else ""
        answers = f"{rates[name]:.0f}" if name in rates else ""
        yield (
            f"{name:<20}{median(times):>9.2f}{np.percentile(times, 99):>9.2f}{added:>11.2f}"
            f"{by:>10}{spent:>14.2f}{answers:>13}"
        )


def until_called(line: Line, client: Client) -> None:
    """Call until calls go past the controller: the first of them go as runs."""
    deadline = time.monotonic() + START_S
    while not client.schedule()["counters"]["calls"]:
        line.once()
        if time.monotonic() > deadline:
            raise SystemExit("no lease was granted")


def measure(model: Path) -> Iterator[str]:
    x = np.random.default_rng(SEED).standard_normal(SHAPE).astype(np.float32)
    plain = bare(model, x)
    has_peer = importlib.util.find_spec("mosec") is not None
    workers = max(1, len(os.sched_getaffinity(0)))
    grpc_port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        site(environment={"FJORD_GRPC_PORT": str(grpc_port)}) as up,
        Client(up.url) as client,
        over_grpc(grpc_port, x) as by_grpc,
        mosec(model, workers, folder) if has_peer else contextlib.nullcontext() as other,
    ):
        client.upload_model(MODEL, model, profile_shapes={"x": SHAPE})
        client.wait_until_profiled([MODEL])
        client.create_workload(single())
        host = ("127.0.0.1", int(up.url.rpartition(":")[2]))
        made = {"call": (host, INFER, *call_body(x)), "durable run": (host, RUN, *run_body(x))}
        pids = {"call": up.process.pid, "durable run": up.process.pid}
        if other is not None:
            made["mosec"] = (("127.0.0.1", other[0]), "/inference", x.tobytes(), "")
            pids["mosec"] = other[1]
        lines = {name: Line(*each) for name, each in made.items()}
        until_called(lines["call"], client)
        ways: dict[str, tuple[Once, int]] = {
            "bare session.run": (lambda: plain()["total"], os.getpid())
        }
        ways |= {name: (line.once, pids[name]) for name, line in lines.items()}
        ways["call over gRPC"] = (by_grpc, up.process.pid)
        found = in_turn(ways)
        for line in lines.values():
            line.close()
        yield from report(found, {name: rate(each) for name, each in made.items()})
        yield f"calls counted by the controller: {client.schedule()['counters']['calls']}"


def single() -> dict[str, Any]:
    return {
        "name": "single",
        "inputs": {"x": {"dtype": "float32", "shape": list(SHAPE)}},
        "stages": [{"name": "s", "model": MODEL, "inputs": {"x": "x"}}],
        "outputs": {"scores": "s.save_infer_model/scale_0.tmp_1"},
    }


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(f"{conditions([SEED])}, ONNX Runtime {onnxruntime.__version__}")
    print(f"{ROUNDS} rounds of {PER_ROUND} in turn after {WARM_UP}; then {CLIENTS_S:.0f} s each")
    for line in measure(model_files()["text-orientation"]):
        print(line)


if __name__ == "__main__":
    main()

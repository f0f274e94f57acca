"""A real service with an agent on this box, whose oracle can be changed while it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from api.process.ports import free_port
from api.tools.demo.ocr import SHAPES
from api.tools.demo.prepare import prepare
from api.tools.demo.service import START_S, Service, stop_service, wait_for, wait_until_up
from fjord import Client, FjordApiError

ALARM, LOOK, BATCH = "alarm", "look", "ocr"
MAGIKA = "file-type"
MAGIKA_SHAPE = (1, 2048)
_SCORES = "save_infer_model/scale_0.tmp_1"


@contextmanager
def running_site(folder: Path) -> Iterator[Service]:
    """Run both until the block ends."""
    port = free_port()
    environment = {**os.environ, "FJORD_SITE": f"placement-{port}"}
    folder.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("ab") as log:

        def start(*command: str) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

        processes = [start("benchmarks.placement.serving", str(folder), str(port))]
        services = [Service(url=url, data_dir=folder, process=processes[0], log=folder / "log")]
        try:
            _wait_for_http(services[0])
            agent = start("api.cli", "agent", "--server", url, "--data", str(folder))
            services.append(Service(url=url, data_dir=folder, process=agent, log=folder / "log"))
            wait_until_up(services[0])
            yield services[0]
        finally:
            for service in reversed(services):
                stop_service(service)


def choose(service: Service, oracle: str) -> None:
    """Have the service ask another oracle from now on."""
    assert service.process.stdin is not None
    service.process.stdin.write(f"{oracle}\n".encode())
    service.process.stdin.flush()


def add_workloads(client: Client) -> None:
    """Upload the models, wait until they are measured, and register the three workloads."""
    found = find_spec("magika")
    if found is None or found.origin is None:
        raise SystemExit("this needs the package magika")
    magika = Path(found.origin).parent / "models" / "standard_v3_3" / "model.onnx"
    client.upload_model(MAGIKA, magika, profile_shapes={"bytes": MAGIKA_SHAPE})
    client.wait_until_profiled([MAGIKA])
    prepare(client)
    shape = SHAPES["text-orientation"]["x"]
    client.create_workload(_single(ALARM, "text-orientation", "x", "float32", shape, _SCORES))
    client.create_workload(_single(LOOK, MAGIKA, "bytes", "int32", MAGIKA_SHAPE, "target_label"))


def _single(
    name: str, model: str, given: str, dtype: str, shape: tuple[int, ...], output: str
) -> dict[str, Any]:
    return {
        "name": name,
        "inputs": {given: {"dtype": dtype, "shape": list(shape)}},
        "stages": [{"name": name, "model": model, "inputs": {given: given}}],
        "outputs": {"scores": f"{name}.{output}"},
    }


def _wait_for_http(service: Service) -> None:
    def answers() -> bool:
        if service.process.poll() is not None:
            raise SystemExit(service.log.read_text()[-2000:])
        try:
            client.devices()
        except FjordApiError:
            return False
        return True

    with Client(service.url) as client:
        wait_for(answers, START_S, f"{service.url} does not answer")

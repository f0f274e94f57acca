"""Fjord in a folder of a user's whose own packages are named as ours."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from api.cli.app import app
from api.process.ports import free_port
from api.tools.demo.service import Service, stop_service, wait_until_up
from tests.onnx_models import mlp, save

ROOT = Path(__file__).parents[2]
FJORD = Path(sys.executable).with_name("fjord")
RANK = {
    "name": "rank",
    "inputs": {"x": {"dtype": "float32", "shape": [4, 64]}},
    "stages": [
        {"name": "score", "model": "mlp", "inputs": {"x": "x"}},
        {"name": "best", "function": "arg_max", "inputs": {"scores": "score.y"}},
    ],
    "outputs": {"best": "best.indices"},
}
PROGRAM = """
import json
import sys
from pathlib import Path

import numpy as np

from fjord import Client, TensorType

with Client(sys.argv[1]) as client:
    client.upload_model("mlp", Path("mlp.onnx"))
    client.wait_until_profiled(["mlp"])
    client.create_workload(json.loads(Path("rank.json").read_text()))
    run = client.submit("rank", {"x": np.ones((4, 64), np.float32)}, wait_s=60)
    print(run.state, client.results(run)["best"].shape)
"""

TYPED = """
--version
--help
functions
devices
doctor --port 0
status
logs
models upload mlp.onnx --wait
models list
models show mlp
profile mlp
workloads create rank.json
workloads list
workloads show rank
submit rank --input x=x.npy
plan rank --input x=x.npy
runs list
history misses
history plans
policy
token list
load --seconds 0.1
solvers
solve shop.fjs --time-limit-s 0.1
cost features mlp.onnx
cost predict mlp
"""
"""Commands that a newcomer types, in this order; of all others the help is asked for."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project, whose packages must not be imported by any process of ours."""
    made = tmp_path_factory.mktemp("project")
    for name in ("api/__init__", "api/errors", "cost_models/__init__", "devices/__init__"):
        _write(made / f"{name}.py")
    _write(made / "scheduler/__init__.py")
    save(mlp(), made, "mlp")
    np.save(made / "x.npy", np.ones((4, 64), np.float32))
    (made / "rank.json").write_text(json.dumps(RANK))
    shutil.copy(ROOT / "examples/shop.fjs", made)
    (made / "program.py").write_text(PROGRAM)
    return made


def _write(module: Path) -> None:
    module.parent.mkdir(exist_ok=True)
    module.write_text(f"raise ImportError('{module.name} of the user was imported')\n")


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    """The whole service, started in that folder by the command that users type."""
    data, port = folder / "data", free_port()
    data.mkdir()
    log = data / "up.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [FJORD, "up", "--data", data, "--port", str(port), "--cores", "0"],
            cwd=folder,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "FJORD_SITE": f"foreign-{port}"},
        )
    started = Service(url=f"http://127.0.0.1:{port}", data_dir=data, process=process, log=log)
    try:
        wait_until_up(started)
        yield started
    finally:
        stop_service(started)


def in_folder(
    folder: Path, command: Sequence[str | Path], settings: Mapping[str, str] | None = None
) -> str:
    environment = {**os.environ, **(settings or {})}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def leaves(commands: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Each command as it is typed, without options."""
    for name, command in commands.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, (*before, name))
        else:
            yield (*before, name)


@pytest.mark.timeout(300)  # some fifty commands
def test_no_command_imports_a_package_of_the_users(folder: Path, service: Service) -> None:
    at_it = {"FJORD_URL": service.url, "FJORD_DATA": str(service.data_dir)}
    typed = [tuple(line.split()) for line in TYPED.strip().splitlines()]
    for line in typed:
        in_folder(folder, [FJORD, *line], at_it)
    others = [
        command
        for command in leaves(typer.main.get_command(app))
        if not any(line[: len(command)] == command for line in typed)
    ]
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda each: in_folder(folder, [FJORD, *each, "--help"], at_it), others):
            pass


def test_program_uses_a_service_started_beside_its_own_packages(
    folder: Path, service: Service
) -> None:
    said = in_folder(folder, [sys.executable, "program.py", service.url])
    assert said == "finished (4,)\n"
    assert "of the user was imported" not in service.log.read_text()


@pytest.mark.parametrize("package", ["api", "devices", "cost_models", "scheduler", "fjord"])
def test_every_process_of_ours_is_started_with_a_safe_path(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            for at, word in _words_after_interpreter(node):
                assert word == "-P", f"{path}:{at}: -P must follow the interpreter; got {word!r}"


def _words_after_interpreter(node: ast.AST) -> Iterator[tuple[int, object]]:
    """The word behind each ``sys.executable`` of a list, a tuple or the arguments of a call."""
    words = node.elts if isinstance(node, ast.List | ast.Tuple) else getattr(node, "args", None)
    if not isinstance(words, list):
        return
    for word, after in pairwise(words):
        if isinstance(word, ast.Attribute) and ast.unparse(word) == "sys.executable":
            first = after.value if isinstance(after, ast.Starred) else after
            first = first.elts[0] if isinstance(first, ast.Tuple) else first
            yield word.lineno, first.value if isinstance(first, ast.Constant) else None

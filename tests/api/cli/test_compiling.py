"""``fjord compile`` leaves nothing to compile."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from api.cli.app import run
from api.cli.compiling import SPLITS
from scheduler.portfolio import placers
from scheduler.solvers import registry


def test_each_solver_is_compiled_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile"]) == 0
    told = capsys.readouterr().out.split()
    names = [*registry.names(), SPLITS]
    assert sorted(told) == sorted([*names, *["compiled"] * len(names)])


def test_a_service_finds_its_placers_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", "--placers"]) == 0
    told = capsys.readouterr().out.split()
    assert sorted(told) == sorted([*placers(), *["compiled"] * len(placers())])


def test_command_that_is_ended_takes_its_workers_along() -> None:
    command = [sys.executable, "-P", "-m", "api.cli", "compile"]
    buffered = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=buffered, stdout=subprocess.PIPE) as compiling:
        assert compiling.stdout is not None
        assert compiling.stdout.readline()  # the first is compiled, and the others are under way
        workers = psutil.Process(compiling.pid).children(recursive=True)
        compiling.terminate()
    _, left = psutil.wait_procs(workers, timeout=60)
    assert workers
    assert left == []

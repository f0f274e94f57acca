"""The start of every command, and of every process of a site: each is one."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    *("numba", "numpy", "onnx", "onnxruntime", "networkx", "ortools", "fastapi", "redis", "PIL"),
    *("httpx", "msgspec", "psutil"),
    "rich.progress",
)


@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"], ["cost", "--help"]])
def test_command_imports_only_what_all_commands_need(arguments: list[str]) -> None:
    code = f"""
import sys
from api.cli.app import run
assert run({arguments!r}) == 0
print(*sys.modules, file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(done.stderr.split()) & set(HEAVY)

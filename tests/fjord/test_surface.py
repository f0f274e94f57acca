"""The names that users import, and the weight of an import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fjord

SURFACE = [
    "Array",
    "AsyncClient",
    "Client",
    "FjordApiError",
    "FjordUnreachable",
    "InvalidDeclaration",
    "InvalidValue",
    "NoResults",
    "NotFinished",
    "Param",
    "ParamKind",
    "PartlySubmitted",
    "Run",
    "RunFailed",
    "ServerEvent",
    "TensorType",
    "__version__",
    "function",
]
OURS = {"api", "cost_models", "devices", "scheduler"}
HEAVY = {"fastapi", "numba", "onnx", "onnxruntime", "ortools", "pydantic", "redis"}
MOST_MODULES = {"Client": 400, "function": 250}
"""Bounds above the modules loaded today, 330 and 180; one heavy package more brings hundreds."""


def loaded_by(statement: str) -> set[str]:
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    command = [sys.executable, "-P", "-c", script]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_package_offers_these_names_and_no_others() -> None:
    assert fjord.__all__ == SURFACE
    assert set(SURFACE) <= set(dir(fjord))
    assert all(getattr(fjord, name) is not None for name in SURFACE)


def test_a_name_that_is_not_offered_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'fjord' has no attribute 'Scheduler'"):
        fjord.Scheduler  # noqa: B018


@pytest.mark.parametrize("name", sorted(MOST_MODULES))
def test_an_import_loads_nothing_else_of_ours_and_nothing_heavy(name: str) -> None:
    loaded = loaded_by(f"from fjord import {name}")
    assert not {module.partition(".")[0] for module in loaded} & (OURS | HEAVY)
    assert len(loaded) < MOST_MODULES[name]


def test_a_client_loads_no_numpy_and_a_function_no_httpx() -> None:
    assert "numpy" not in loaded_by("from fjord import Client, AsyncClient, Run, FjordApiError")
    assert "httpx" not in loaded_by("from fjord import Array, InvalidValue, Param, function")

"""Solvers by name, and nothing imported before its time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scheduler.model.errors import UnknownName
from scheduler.solvers import registry


def test_an_unknown_name_is_refused_with_the_choices() -> None:
    choices = ", ".join(registry.names())
    with pytest.raises(UnknownName, match=f"one of {choices}; got 'best'"):
        registry.solver("best")


@pytest.mark.parametrize("name", registry.names())
def test_every_name_leads_to_a_callable(name: str) -> None:
    assert callable(registry.solver(name))


def test_looking_at_the_registry_imports_no_engine() -> None:
    code = (
        "import sys; from scheduler.solvers import registry;"
        "registry.names(); registry.solver('heft'); print('ortools' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

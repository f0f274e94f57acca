"""``fjord compile`` leaves nothing to compile."""

from __future__ import annotations

import pytest

from api.cli.app import run
from api.cli.compiling import SPLITS
from scheduler.solvers import registry


def test_each_solver_is_compiled_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile"]) == 0
    told = capsys.readouterr().out.split()
    names = [*registry.names(), SPLITS]
    assert sorted(told) == sorted([*names, *["compiled"] * len(names)])

"""Nobody waits for the compiler twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scheduler.portfolio import warm_up
from scheduler.portfolio.warming import problems
from scheduler.solvers import kernels, registry
from scheduler.solvers.features import features
from scheduler.solvers.registry import Feature
from scheduler.solvers.translating import arrays

CACHE = Path(kernels.__file__).parent / "__pycache__"
WARM_UP = "from scheduler.portfolio import warm_up; warm_up()"


def compiled() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in CACHE.rglob("*.nb?")}


def test_what_one_process_compiled_no_other_compiles_again() -> None:
    subprocess.run([sys.executable, "-c", WARM_UP], check=True)
    before = compiled()
    subprocess.run([sys.executable, "-c", WARM_UP], check=True)
    assert before
    assert compiled() == before


def test_every_solver_is_warmed_and_told_of() -> None:
    told: list[str] = []
    warm_up(told.append, names=("heft",))
    assert told == ["heft"]


def test_the_problems_have_everything_and_nothing() -> None:
    assert {features(arrays(p)) for p in problems()} == {frozenset(), frozenset(Feature)}
    for name in registry.names():
        assert any(features(arrays(p)) <= registry.entry(name).features for p in problems())

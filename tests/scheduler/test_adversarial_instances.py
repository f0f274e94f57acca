"""Instances on which ``auto`` once was worse than a list heuristic, in a tenth of a second.

What it may spend is counted in steps, so that the answer is the same on every computer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduler.adversary import AdversarialInstance
from scheduler.model.schedule import Limits
from scheduler.portfolio import placer, placers, solve

FOUND = Path(__file__).parents[1] / "data" / "regressions" / "adversary"
A_TENTH = Limits(time_s=60.0, deterministic_s=0.05)


@pytest.mark.parametrize("path", sorted(FOUND.glob("*.json")), ids=lambda path: path.stem)
def test_auto_is_no_worse_than_any_heuristic(path: Path) -> None:
    problem = AdversarialInstance.read(path.read_bytes()).problem()
    values = [placer(name)(problem, Limits(), 0).value for name in placers()]
    found = solve(problem, limits=A_TENTH).value
    assert found is not None
    assert found <= min(value for value in values if value is not None)

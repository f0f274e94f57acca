"""That loading before the clock loads everything."""

import sys

import pytest

from scheduler import portfolio
from scheduler.instances import parse
from scheduler.model.schedule import Limits
from tests.scheduler.instances.files import FILES

WITH_MOST_FEATURES = (
    "fjsp/mk01.txt",
    "fjsp_dag/YFJS03_transport.txt",
    "psplib/j3010_1.sm",
    "dnn_placement/bert24_inference.json",
)


def compiled() -> dict[str, int]:
    """Per kernel, for how many combinations of types there is code."""
    modules = [m for name, m in list(sys.modules.items()) if name.startswith("scheduler.solvers")]
    return {
        f"{value.py_func.__module__}.{value.py_func.__name__}": len(value.signatures)
        for module in modules
        for value in vars(module).values()
        if hasattr(value, "signatures") and hasattr(value, "py_func")
    }


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    portfolio.warm_up(names=portfolio.taking_part("auto"))


@pytest.mark.parametrize("name", WITH_MOST_FEATURES)
def test_nothing_is_compiled_while_the_clock_runs(name: str) -> None:
    problem = parse((FILES / name).read_bytes(), name).problem
    before = compiled()
    portfolio.solve(problem, limits=Limits(time_s=0.5, workers=2))
    after = compiled()
    assert {kernel for kernel in after if after[kernel] != before.get(kernel, 0)} == set()

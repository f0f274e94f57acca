"""The examples are scripts that work as they are."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from api.tools.demo.images import sample_lines
from api.tools.demo.service import Service
from scheduler.model.schedule import Status

EXAMPLES = Path(__file__).parents[2] / "examples"
WRITTEN = {".py", ".toml"}
"""Files by hand: the others are made."""


@pytest.fixture
def main(service: Service, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the `main` of an example, by name."""
    monkeypatch.setenv("FJORD_URL", service.url)
    return lambda name: runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]


def test_the_ocr_example_reads_the_page_that_it_draws(main: Any) -> None:
    assert main("ocr")([]) == sample_lines(1)


def test_the_example_with_an_own_model_picks_one_of_four_classes(main: Any) -> None:
    (best,) = main("own_model")()
    assert 0 <= best < 4


def test_the_solver_example_proves_its_schedule() -> None:
    # One detection per machine: the CPU is busy for 2 + 2 + 9 + 1 + 1 = 15 ms without a pause.
    # Both on the NPU: 2 to decode, 2 x 6 to detect, 1 to track, and 2 x 0.3 on the way: 15.6 ms.
    result = runpy.run_path(str(EXAMPLES / "solve_a_problem.py"))["main"]()
    assert (result.status, result.value) == (Status.OPTIMAL, 15_000)


def test_files_that_pages_name_can_be_made_anew(tmp_path: Path) -> None:
    made = runpy.run_path(str(EXAMPLES / "make_files.py"))["main"](tmp_path)
    assert {path.name for path in made} == {
        path.name for path in EXAMPLES.iterdir() if path.is_file() and path.suffix not in WRITTEN
    }


def test_every_example_has_a_test() -> None:
    tested = {"make_files", "ocr", "own_model", "solve_a_problem"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.cli.app import run
from scheduler.model.codec import to_json
from scheduler.model.problem import Job, Machine, Mode, Operation, Problem
from scheduler.solvers import registry


@pytest.fixture
def problem_file(tmp_path: Path) -> Path:
    # Two jobs of one operation each and two equal machines: one each, so the optimum is 5.
    modes = (Mode(machine="cpu0", duration_us=5), Mode(machine="cpu1", duration_us=5))
    problem = Problem(
        machines=(Machine(id="cpu0"), Machine(id="cpu1")),
        jobs=(Job(id="a"), Job(id="b")),
        operations=(
            Operation(id="a1", job="a", modes=modes),
            Operation(id="b1", job="b", modes=modes),
        ),
    )
    file = tmp_path / "problem.json"
    file.write_text(json.dumps(to_json(problem)))
    return file


@pytest.fixture
def solved(capsys: pytest.CaptureFixture[str], problem_file: Path) -> Callable[[str], Any]:
    def solve(solver: str) -> Any:
        arguments = ["--solver", solver, "--time-limit-s", "5", "--json"]
        assert run(["solve", str(problem_file), *arguments]) == 0
        return json.loads(capsys.readouterr().out)

    return solve


@pytest.mark.parametrize("name", ["auto", *registry.names()])
def test_every_solver_answers_with_value_bound_and_schedule(
    name: str, solved: Callable[[str], Any]
) -> None:
    answer = solved(name)
    assert set(answer) >= {"status", "value", "bound", "gap", "elapsed_s", "schedule"}
    assert len(answer["schedule"]) == 2
    assert answer["bound"] <= answer["value"]


def test_the_portfolio_proves_the_optimum(solved: Callable[[str], Any]) -> None:
    answer = solved("auto")
    assert (answer["status"], answer["value"], answer["gap"]) == ("optimal", 5, 0.0)


def test_people_get_a_chart_with_a_letter_per_job(
    problem_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["solve", str(problem_file), "--solver", "heft"]) == 0
    shown = capsys.readouterr().out
    assert "makespan 5 us" in shown
    assert "A a  B b" in shown


def test_an_unknown_solver_is_told_those_there_are(
    problem_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["solve", str(problem_file), "--solver", "magic"]) == 2
    assert "solver must be one of auto, " in capsys.readouterr().err


def test_solvers_are_listed_with_what_they_declare(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solvers", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["solvers"]
    assert {solver["name"] for solver in listed} == set(registry.names())

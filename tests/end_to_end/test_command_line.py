"""The commands against a running service: JSON for programs, tables for people."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.cli.app import run
from api.tools.demo.service import Service, wait_for

Fjord = Callable[..., Any]


@pytest.fixture
def fjord(
    service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Fjord:
    monkeypatch.setenv("FJORD_URL", service.url)

    def call(*arguments: str, code: int = 0) -> Any:
        assert run([*arguments, "--json"]) == code, capsys.readouterr().err
        answer = json.loads(capsys.readouterr().out)
        assert run(list(arguments)) == code
        assert capsys.readouterr().out
        return answer

    return call


def test_an_image_is_submitted_and_its_lines_come_back(
    fjord: Fjord, ocr: str, page_file: Path, pages: list[tuple[list[str], bytes]]
) -> None:
    answer = fjord("submit", ocr, "--input", f"image={page_file}")
    assert answer["state"] == "finished"
    assert answer["results"]["lines"] == pages[0][0]
    shown = fjord("runs", "show", answer["run"])
    assert shown["operations"]
    assert fjord("runs", "explain", answer["run"])["operations"]
    listed = fjord("runs", "list")["runs"]
    measured = fjord("runs", "list", "--kind", "profile")["runs"]
    assert measured
    assert not {each["run"] for each in measured} & {each["run"] for each in listed}


def test_runs_are_searched_page_by_page_and_plans_and_misses_listed(
    fjord: Fjord, ocr: str, page_file: Path
) -> None:
    due = ("--due-ms", "0.001")
    run = fjord("submit", ocr, "--input", f"image={page_file}", *due)["run"]
    narrow = ("--workload", ocr, "--state", "finished", "--since", "1h")
    first = fjord("runs", "list", *narrow, "--limit", "1")
    second = fjord("runs", "list", *narrow, "--limit", "1", "--cursor", first["next"])
    # The command ran twice: once for a program, once for a person.
    assert second["runs"][0]["run"] == run
    assert first["runs"][0]["submitted_us"] > second["runs"][0]["submitted_us"]
    assert fjord("runs", "list", *narrow, "--priority", "critical")["runs"] == []
    wait_for(lambda: missed(fjord, run), 30, "the miss is not in history")
    assert {plan["verdict"] for plan in fjord("history", "plans")["plans"]}


def missed(fjord: Fjord, run: str) -> bool:
    return run in {miss["run"] for miss in fjord("history", "misses")["misses"]}


def test_a_plan_is_shown_without_running_anything(fjord: Fjord, ocr: str) -> None:
    assert fjord("plan", ocr)["makespan_us"] > 0


def test_models_and_workloads_are_listed(fjord: Fjord, ocr: str) -> None:
    assert "text-recognition" in {each["name"] for each in fjord("models", "list")["models"]}
    assert fjord("models", "show", "text-recognition")["profiles"]
    assert ocr in {each["name"] for each in fjord("workloads", "list")["workloads"]}
    assert fjord("workloads", "show", ocr)["name"] == ocr


def test_a_model_is_measured_anew_with_its_operators(fjord: Fjord, ocr: str) -> None:
    shape = ("--shape", "x=1,3,48,100")
    answer = fjord("profile", "text-recognition", *shape, "--operators")
    assert answer["state"] == "finished"
    assert answer["profiles"]
    for each in answer["profiles"]:
        assert each["profile"]["shapes"] == {"x": [1, 3, 48, 100]}
        assert each["operators"] or each["profile"]["operators_note"] or each["profile"]["reason"]


def test_the_policy_is_shown(fjord: Fjord) -> None:
    assert fjord("policy") == {"placement": "heft", "improve": True}


def test_an_unknown_workload_is_one_line_and_code_2(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["submit", "nothing", "--server", service.url]) == 2
    assert "nothing" in capsys.readouterr().err

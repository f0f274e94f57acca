import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
from PIL import Image

from api.cli.app import run
from api.cli.solutions import as_dict
from api.tools.gantt.svg import NAMESPACE
from scheduler.instances import parse, write
from scheduler.model.objectives import Objective
from scheduler.model.problem import Band, Job, Machine, Mode, Operation, Problem
from scheduler.model.schedule import Result, Status
from scheduler.solvers import registry
from scheduler.splitting import MEMBERS

# Three of the four operations on machine 1 take 4 + 2 + 3 = 9. With the last one on machine 0, for
# 6, it waits for 2 before it, and the other job's last for it or it for that: 10 or more.
SHOP = "2 2\n2  1 1 4  1 0 2\n2  1 1 2  2 0 6 1 3\n"
ANSWER = ["status", "objective", "value", "bound", "gap", "claimed_by", "elapsed_s", "solver"]
ANSWER += ["found_by"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "shop.fjs"
    file.write_text(SHOP)
    return file


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
    file.write_text(write(problem))
    return file


@pytest.fixture
def costly_file(tmp_path: Path) -> Path:
    # One operation: quick and costly, or slow and cheap.
    modes = (
        Mode(machine="gpu", duration_us=5_000, energy_uj=90),
        Mode(machine="cpu", duration_us=20_000, energy_uj=10),
    )
    problem = Problem(
        machines=(Machine(id="gpu"), Machine(id="cpu")),
        jobs=(Job(id="a"),),
        operations=(Operation(id="a1", job="a", modes=modes),),
    )
    file = tmp_path / "costly.json"
    file.write_text(write(problem))
    return file


@pytest.fixture
def solved(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def solve(file: Path, *options: str) -> Any:
        assert run(["solve", str(file), "--time-limit-s", "2", "--json", *options]) == 0
        return json.loads(capsys.readouterr().out)

    return solve


def test_the_answer_speaks_in_the_numbers_and_times_of_the_file(
    shop: Path, solved: Callable[..., Any]
) -> None:
    answer = solved(shop)
    assert list(answer) == [*ANSWER, "schedule", "trace"]
    proof = {"status": "optimal", "value": 9, "bound": 9, "gap": 0.0, "claimed_by": "cp_sat"}
    assert {key: answer[key] for key in proof} == proof
    spans = {
        row["operation"]: (row["machine"], row["start"], row["end"]) for row in answer["schedule"]
    }
    assert list(spans) == [0, 1, 2, 3]
    assert {spans[0], spans[2]} in ({(1, 0, 4), (1, 4, 6)}, {(1, 2, 6), (1, 0, 2)})
    assert answer["value"] == max(end for _, _, end in spans.values())
    assert all(row.keys() == {"operation", "machine", "start", "end"} for row in answer["schedule"])


def test_members_that_broke_are_named_beside_the_answer_of_the_others(shop: Path) -> None:
    instance = parse(shop.read_bytes(), shop.name)
    result = Result(status=Status.LIMIT, solver="auto", broken=("heft: ZeroDivisionError()",))
    assert as_dict(instance, result, 0.1)["broken"] == ["heft: ZeroDivisionError()"]
    assert "broken" not in as_dict(instance, replace(result, broken=()), 0.1)


def test_a_task_graph_is_solved_for_as_many_processors_as_its_name_says(
    tmp_path: Path, solved: Callable[..., Any]
) -> None:
    # Three tasks between the dummies, of 2, 3 and 4, free of each other: 5 at best on two.
    (tmp_path / "tiny.stg").write_text("3\n0 0 0\n1 2 1 0\n2 3 1 0\n3 4 1 0\n4 0 3 1 2 3\n")
    assert solved(tmp_path / "tiny.stg@2")["value"] == 5


def test_the_trace_ends_with_the_value(shop: Path, solved: Callable[..., Any]) -> None:
    answer = solved(shop)
    times, values = zip(*answer["trace"], strict=True)
    assert values[-1] == answer["value"]
    assert list(times) == sorted(times)
    assert list(values) == sorted(values, reverse=True)


def test_a_problem_of_our_own_form_keeps_its_names(
    problem_file: Path, solved: Callable[..., Any]
) -> None:
    answer = solved(problem_file)
    assert [row["operation"] for row in answer["schedule"]] == ["a1", "b1"]
    assert {row["machine"] for row in answer["schedule"]} == {"cpu0", "cpu1"}
    assert (answer["status"], answer["value"], answer["gap"]) == ("optimal", 5, 0.0)


def test_the_mode_is_said_where_the_machine_leaves_it_open(
    tmp_path: Path, solved: Callable[..., Any]
) -> None:
    file = tmp_path / "two_ways.fjs"
    file.write_text("1 1\n1  2 1 7 1 3\n")
    (row,) = solved(file)["schedule"]
    assert row == {"operation": 0, "machine": 1, "start": 0, "end": 3, "mode": 1}


@pytest.mark.parametrize("name", ["auto", *registry.names()])
def test_every_solver_answers_for_a_small_shop(
    name: str, shop: Path, solved: Callable[..., Any]
) -> None:
    answer = solved(shop, "--solver", name)
    assert (answer["solver"], len(answer["schedule"])) == (name, 4)
    assert answer["bound"] is None or answer["bound"] <= answer["value"]


@pytest.mark.parametrize("objective", [Objective.MAKESPAN, Objective.WEIGHTED_COMPLETION])
def test_the_objective_that_was_asked_for_is_the_one_that_is_valued(
    objective: Objective, shop: Path, solved: Callable[..., Any]
) -> None:
    answer = solved(shop, "--objective", objective.value)
    ends = [row["end"] for row in answer["schedule"]]
    completions = [max(ends[:2]), max(ends[2:])]
    expected = {
        Objective.MAKESPAN: max(completions),
        Objective.WEIGHTED_COMPLETION: sum(completions),
    }
    assert (answer["objective"], answer["value"]) == (objective.value, expected[objective])


def test_people_get_a_chart_with_a_letter_per_job(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["solve", str(shop), "--time-limit-s", "2"]) == 0
    shown = capsys.readouterr().out
    assert re.search(
        r"optimal by auto: makespan 9, bound 9 \(claimed by cp_sat\), gap 0.00%, found by", shown
    )
    assert re.search(r"^machine 1 [AB]+", shown, re.MULTILINE)
    assert "  B j" in shown


def test_plans_that_trade_makespan_for_energy_are_listed(
    costly_file: Path, solved: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = solved(costly_file, "--pareto", "3")
    assert [(p["value"], p["energy_uj"]) for p in answer["front"]] == [(5_000, 90), (20_000, 10)]
    assert run(["solve", str(costly_file), "--pareto", "3", "--time-limit-s", "2"]) == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [["5.0", "90"], ["20.0", "10"]]


@pytest.mark.parametrize("suffix", ["svg", "html", "png"])
def test_the_schedule_is_drawn_into_a_file(shop: Path, tmp_path: Path, suffix: str) -> None:
    picture = tmp_path / f"plan.{suffix}"
    assert run(["solve", str(shop), "--time-limit-s", "1", "--gantt", str(picture)]) == 0
    if suffix == "svg":
        bars = Tree.parse(picture).iter(f"{{{NAMESPACE}}}rect")
        assert sum(bar.get("class") == "operation" for bar in bars) == 4
    elif suffix == "png":
        Image.open(picture).verify()
    else:
        assert "makespan 9, bound 9" in picture.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--solver", "magic"], "solver must be one of auto, "),
        (["--format", "xml"], "format must be one of fjord, fjsp, "),
        (["--objective", "beauty"], "'makespan', 'weighted_tardiness'"),
        (["--workers", "0"], "--workers"),
        (["--gantt", "plan.pdf"], "must end in one of .svg, .png, .html; got 'plan.pdf'"),
        (["--gantt", "nowhere/plan.svg"], "must be in a folder that exists"),
        (["--pareto", "3", "--objective", "energy"], "--pareto must be without"),
        (["--objective", "max_lateness"], "must have a job with a due date"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_with_the_choices(
    shop: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(["solve", str(shop), *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty file"),
        (b"2 2\n2 1 1 4 1 0 2\n2 1 1 2 2 0\n", "line 3"),
        (b"what is this\n", "none of the formats"),
        (b'{"machines": ', "line 1: is no JSON"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place_and_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, says: str
) -> None:
    file = tmp_path / "broken.txt"
    file.write_bytes(content)
    assert run(["solve", str(file)]) == 2
    error = capsys.readouterr().err
    assert f"{file}: " in error
    assert says in error
    assert len(error.splitlines()) == 1


def test_a_file_that_could_be_of_two_formats_is_read_as_the_one_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], solved: Callable[..., Any]
) -> None:
    file = tmp_path / "both.txt"
    file.write_text("2 2\n1 1 0 5\n1 1 0 4\n")
    assert run(["solve", str(file)]) == 2
    assert "reads as fjsp" in capsys.readouterr().err
    assert solved(file, "--format", "fjsp")["value"] == 9
    assert solved(file, "--format", "jsp")["value"] == 10


@pytest.mark.parametrize("name", ["missing.fjs", "."])
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(["solve", str(tmp_path / name)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def hard_shop(tmp_path: Path) -> Path:
    """Write a shop that nobody proves within seconds."""
    random = Random(1)
    lines = ["15 5"]
    for _ in range(15):
        pairs = [
            f"{machine} {random.randint(5, 60)}"
            for _ in range(10)
            for machine in random.sample(range(5), 2)
        ]
        first, second = pairs[::2], pairs[1::2]
        lines.append(" ".join(["10", *(f"2 {a} {b}" for a, b in zip(first, second, strict=True))]))
    file = tmp_path / "hard.fjs"
    file.write_text("\n".join(lines))
    return file


def test_an_interrupt_ends_the_search_and_shows_the_best_so_far(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "solve", str(hard_shop(tmp_path))]
    with subprocess.Popen(
        [*command, "--time-limit-s", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        # The first line with a value: the search has begun, and has a plan.
        for line in process.stderr:
            if "found by" in line:
                break
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert shown.startswith("cancelled by auto: makespan ")
    assert time.monotonic() - began < 20


def test_solvers_are_listed_with_what_they_declare(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solvers", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["solvers"]
    assert {solver["name"] for solver in listed} == {*registry.names(), *MEMBERS}
    assert all(
        solver.keys() == {"name", "kind", "objectives", "features", "doi"} for solver in listed
    )


def test_the_table_of_solvers_has_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solvers"]) == 0
    first_words = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert first_words >= {"name", *registry.names()}


def test_of_several_bands_each_has_its_value_bound_and_status(
    tmp_path: Path, solved: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    modes = (Mode(machine="cpu0", duration_us=5),)
    problem = Problem(
        machines=(Machine(id="cpu0"),),
        jobs=(Job(id="a", band=Band.HIGH), Job(id="b", band=Band.BACKGROUND)),
        operations=tuple(Operation(id=job, job=job, modes=modes) for job in "ba"),
    )
    file = tmp_path / "bands.json"
    file.write_text(write(problem))
    answer = solved(file)
    met = {"status": "optimal", "bound": 5, "claimed_by": None}
    claimed = {"status": "optimal", "bound": 10, "claimed_by": "cp_sat"}
    assert answer["bands"] == [
        {"band": "high", "value": 5, **met},
        {"band": "background", "value": 10, **claimed},
    ]
    assert run(["solve", str(file), "--time-limit-s", "1"]) == 0
    line = "in ms, of bands high 0.005 (optimal), background 0.01 (optimal, claimed by cp_sat)"
    assert line in " ".join(capsys.readouterr().out.split())

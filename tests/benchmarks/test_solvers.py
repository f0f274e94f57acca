import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.page import write_section
from benchmarks.solvers import cases, figures, plain_cp_sat, records, report
from benchmarks.solvers.__main__ import app
from benchmarks.solvers.cases import Case, UnknownSet, of_sets
from benchmarks.solvers.outcome import Budget, Unsupported
from benchmarks.solvers.records import Record
from benchmarks.solvers.runner import Grid
from scheduler.instances import parse
from scheduler.model.checker import check
from scheduler.model.problem import Job, Machine, Mode, Operation, Problem, Window

SHOP = b"2 2\n2  1 1 4  1 0 2\n2  1 1 2  2 0 6 1 3\n"
LONG = Budget(time_s=20, workers=1, seed=0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data folder of two families, one instance of which is nowhere to be found."""
    folder = tmp_path / "data" / "shops"
    for family in ("small", "tiny"):
        (folder / family).mkdir(parents=True)
    (folder / "small" / "a.txt").write_bytes(SHOP)
    (folder / "small" / "b.txt").write_bytes(SHOP)
    (folder / "tiny" / "c.txt").write_text("1 1\n1 1 0 5\n")
    (folder / "best_known.csv").write_text(
        "instance,lower_bound,upper_bound,source,family,file\n"
        "a,9,9,us,small,small/a.txt\n"
        "b,,,us,small,small/b.txt\n"
        "c,5,5,us,tiny,tiny/c.txt\n"
        "lost,5,5,us,tiny,tiny/lost.txt\n"
    )
    return tmp_path / "data"


def record(name: str = "a", **changed: Any) -> Record:
    values: dict[str, Any] = {
        "family": "shops/small",
        "name": name,
        "competitor": "auto",
        "version": "1",
        "time_s": 1.0,
        "workers": 1,
        "seed": 0,
        "lower": 8.0,
        "upper": 10.0,
        "status": "found",
        "value": 11.0,
        "elapsed_s": 1.0,
        "trace": [[0.2, 14.0], [0.7, 11.0]],
    }
    return Record(**(values | changed))


def test_families_come_in_turn_so_that_a_run_that_is_cut_off_has_seen_them_all(data: Path) -> None:
    assert [case.name for case in of_sets(["shops"], data)] == ["a", "c", "b"]


def test_a_family_is_a_set_of_its_own_even_if_nothing_is_known_of_it(data: Path) -> None:
    assert [case.name for case in of_sets(["shops/tiny"], data)] == ["c"]
    (data / "shops" / "new").mkdir()
    (data / "shops" / "new" / "d.txt").write_bytes(SHOP)
    (case,) = of_sets(["shops/new"], data)
    assert (case.key, case.upper) == ("shops/new:d", None)


@pytest.mark.parametrize("name", ["nothing", "shops/nothing"])
def test_an_unknown_set_is_told_those_there_are(data: Path, name: str) -> None:
    with pytest.raises(UnknownSet, match="shops"):
        of_sets([name], data)


def test_a_sample_of_a_family_is_spread_over_it() -> None:
    found = [Case(family="f", name=str(i), file=Path()) for i in range(10)]
    assert [case.name for case in cases._spread(found, 3)] == ["0", "3", "6"]


def test_the_built_in_selection_is_there() -> None:
    names = sorted(path.parent.name for path in cases.BUILT_IN.glob("*/best_known.csv"))
    found = of_sets(names, cases.BUILT_IN)
    assert len(found) >= 10
    assert all(case.upper for case in found)
    for case in found:
        parse(case.file.read_bytes(), case.file.name, processors=case.processors)


def test_nobody_always_goes_first() -> None:
    found = [Case(family="f", name=str(i), file=Path()) for i in range(2)]
    grid = Grid(cases=found, competitors=("x", "y"), seeds=(0,), time_s=1, workers=1)
    assert [competitor for _, competitor, _ in grid.runs()] == ["x", "y", "y", "x"]


def test_the_value_at_a_time_is_the_best_until_then() -> None:
    assert [record().at(time_s) for time_s in (0.1, 0.5, 1.0)] == [None, 14.0, 11.0]


def test_gaps_are_means_over_what_has_a_value_and_the_rest_is_counted() -> None:
    found = [
        record(),
        record("b", value=10.0, trace=[]),
        record("c", status="none", value=None, trace=[]),
    ]
    (row,) = figures.rows(found, (0.5,))
    assert (row.runs, row.at_best, row.final.missing) == (3, 1, 1)
    assert row.final.gap == pytest.approx(0.05)
    assert str(row.anytime[0]) == "40.00 (2 none)"


def test_where_no_value_is_known_gaps_are_against_the_best_of_the_run() -> None:
    found = [record(upper=None), record(upper=None, value=22.0, competitor="other")]
    assert [row.final.gap for row in figures.rows(found, ())] == [0.0, 1.0]


def test_a_set_of_several_families_is_summed_up() -> None:
    found = [record(), record(family="shops/tiny"), record(family="lone/one")]
    families = [row.family for row in figures.rows(found, ())]
    assert families == ["lone/one", "shops (all)", "shops/small", "shops/tiny"]


def test_published_values_stand_beside_ours_and_say_nothing_about_earlier_times(
    data: Path,
) -> None:
    (data / "shops" / "anytime_reference.csv").write_text(
        "instance,solver,workers,best_known_ub,obj_at_0.1s,obj_at_1s\na,CPO,4,10,,11\nz,CPO,4,1,1,1\n"
    )
    (row,) = figures.published(data, [record()], (0.01, 1.0))
    assert row.competitor == "CPO, 4 workers, published"
    assert [str(mean) for mean in row.anytime] == ["-", "10.00"]


def test_a_line_that_was_cut_off_is_run_again_and_spoils_nothing(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    records.append(file, record())
    with file.open("a") as lines:
        lines.write('{"family": "sho')
    records.append(file, record("b"))
    assert [found.name for found in records.read(file)] == ["a", "b"]


def test_the_tables_replace_those_before_and_keep_the_rest_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nFirst.\n")
    write_section(page, "solvers", "old\n")
    page.write_text(page.read_text() + "\nLast.\n")
    write_section(page, "solvers", "new\n")
    text = page.read_text()
    assert "old" not in text
    assert [text.index(part) for part in ("First.", "new", "Last.")] == sorted(
        text.index(part) for part in ("First.", "new", "Last.")
    )


def test_what_went_wrong_and_what_is_better_than_known_is_said(tmp_path: Path) -> None:
    found = [
        record(value=9.0),
        record("b", status="failed", value=None, why="no memory"),
        record("c", value=7.0),
    ]
    text = report.text(found, tmp_path)
    assert "Better than the best known: a 9 (best known 10) by `auto`" in text
    assert "b by `auto`: failed, no memory" in text
    assert "c by `auto`: 7 is below the proven bound 8" in text


def test_the_plain_model_is_right_about_a_small_shop() -> None:
    problem = parse(SHOP, "shop.fjs").problem
    outcome = plain_cp_sat.solve(problem, LONG)
    assert outcome.schedule is not None
    assert check(problem, outcome.schedule) == []
    assert (outcome.proven, outcome.schedule.makespan_us, outcome.bound) == (True, 9, 9)


@pytest.mark.parametrize(
    ("name", "optimum"),
    [("heft/topcuoglu2002.json", 73), ("psplib/j1010_1.mm", 17)],
)
def test_the_plain_model_is_right_about_transfers_and_scarce_resources(
    name: str, optimum: int
) -> None:
    file = cases.BUILT_IN / name
    instance = parse(file.read_bytes(), file.name)
    outcome = plain_cp_sat.solve(instance.problem, LONG)
    assert outcome.schedule is not None
    assert check(instance.problem, outcome.schedule) == []
    assert instance.value(outcome.schedule.makespan_us) == optimum


def test_the_plain_model_says_what_it_has_no_words_for() -> None:
    machine = Machine(id="m", unavailable=(Window(start_us=1, end_us=2),))
    mode = Mode(machine="m", duration_us=1)
    problem = Problem(
        machines=(machine,),
        jobs=(Job(id="a"),),
        operations=(Operation(id="x", job="a", modes=(mode,)),),
    )
    with pytest.raises(Unsupported, match="windows"):
        plain_cp_sat.solve(problem, LONG)


@pytest.mark.parametrize("name", ["fjsp/k1.txt", "psplib/j1010_1.mm"])
def test_pyjobshop_gets_the_same_problem(name: str) -> None:
    model = pytest.importorskip("benchmarks.solvers.pyjobshop_model", exc_type=ImportError)
    file = cases.BUILT_IN / name
    instance = parse(file.read_bytes(), file.name)
    outcome = model.solve(instance.problem, LONG)
    assert check(instance.problem, outcome.schedule) == []
    assert outcome.proven
    known = {"fjsp/k1.txt": 11, "psplib/j1010_1.mm": 17}
    assert instance.value(outcome.schedule.makespan_us) == known[name]


def bench(*arguments: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "bench", "solvers", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        check=False,
    )


def test_a_grid_is_run_written_down_continued_and_reported(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    # All are proven long before that; on a busy machine some are not even found in less.
    options = ["--set", "shops", "--data", str(data), "--time-limit-s", "20", "--workers", "1"]
    options += ["--per-family", "1", "--solver", "auto", "--solver", "plain_cp_sat"]
    options += ["--results", "results.jsonl", "--into", str(page)]
    first = bench(*options, tmp_path=tmp_path)
    assert first.returncode == 0, first.stderr
    assert len(first.stderr.splitlines()) == 4
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    found = [Record(**json.loads(line)) for line in lines]
    assert {(r.name, r.competitor) for r in found} == {
        (name, competitor) for name in "ac" for competitor in ("auto", "plain_cp_sat")
    }
    assert all(r.status == "proven" for r in found)
    assert "| shops/tiny | `auto` | 1 | 0.00 | 100% |" in page.read_text()
    assert bench(*options, tmp_path=tmp_path).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "nothing"], "set must be one of"),
        (["--solver", "magic"], "competitor must be one of auto, "),
    ],
)
def test_what_is_wrong_is_said_with_the_choices(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    done = bench(*arguments, tmp_path=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help_is_that_of_the_benchmark(tmp_path: Path) -> None:
    assert "--per-family" in bench("--help", tmp_path=tmp_path).stdout
    assert app.registered_commands

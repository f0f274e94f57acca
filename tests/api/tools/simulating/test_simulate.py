"""``fjord simulate``: the figures of a scenario, several at once, and faults in its file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from api.cli.app import run

PLAIN = """
duration_ms = 1000
[[machines]]
name = "cpu"
[[workloads]]
name = "camera"
deadline_ms = 50
arrivals = { kind = "periodic", rate_hz = 10 }
stages = [{ name = "detect", cost_ms = 20 }]
"""


def scenario(tmp_path: Path, text: str = PLAIN, name: str = "site.toml") -> str:
    file = tmp_path / name
    file.write_text(text)
    return str(file)


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(*arguments: str) -> Any:
        assert run(["simulate", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return ask


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["simulate", *arguments]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_run_on_an_idle_machine_takes_its_cost_and_the_messages(tmp_path: Path, asked: Any) -> None:
    found = asked(scenario(tmp_path))
    camera = found["workloads"]["camera"]
    assert (camera["runs"], camera["finished"], camera["missed"], camera["failed"]) == (
        10,
        10,
        0,
        0,
    )
    assert 20_000 < camera["p50_us"] < 21_000
    assert found["utilisation"]["box/cpu0"] == pytest.approx(10 * 20 / 920, abs=0.01)


def test_same_seed_gives_the_same_figures_and_another_seed_others(
    tmp_path: Path, asked: Any
) -> None:
    text = PLAIN.replace("cost_ms = 20", "cost_ms = 20, spread = 0.3")
    first, again = (asked(scenario(tmp_path, text)) for _ in range(2))
    assert first == again
    assert asked(scenario(tmp_path, "seed = 7\n" + text)) != first


def test_json_file_says_the_same_as_toml(tmp_path: Path, asked: Any) -> None:
    form = {
        "duration_ms": 1000,
        "machines": [{"name": "cpu"}],
        "workloads": [
            {
                "name": "camera",
                "deadline_ms": 50,
                "arrivals": {"kind": "periodic", "rate_hz": 10},
                "stages": [{"name": "detect", "cost_ms": 20}],
            }
        ],
    }
    file = scenario(tmp_path, json.dumps(form), "site.json")
    assert asked(file) == asked(scenario(tmp_path))


def test_work_goes_only_where_it_has_a_cost(tmp_path: Path, asked: Any) -> None:
    text = PLAIN.replace("cost_ms = 20", "cost_ms = { npu = 20 }")
    text += '[[machines]]\nname = "npu"\n'
    assert asked(scenario(tmp_path, text))["utilisation"]["box/cpu0"] == 0


def test_policies_are_compared_on_the_same_runs(tmp_path: Path, asked: Any) -> None:
    found = asked(scenario(tmp_path), "--compare", "heft,edd")["policies"]
    assert [each["placement"] for each in found] == ["heft", "edd"]
    assert {each["workloads"]["camera"]["runs"] for each in found} == {10}


def test_sweep_says_where_it_stops_fitting(tmp_path: Path, asked: Any) -> None:
    found = asked(scenario(tmp_path), "--sweep", "cpu=1..2,camera=40..80..40")["points"]
    fits = {(each["at"]["cpu"], each["at"]["camera"]): each["fits"] for each in found}
    assert fits == {(1, 40): True, (1, 80): False, (2, 40): True, (2, 80): True}


def test_slow_machine_makes_runs_miss_while_it_is_slow(tmp_path: Path, asked: Any) -> None:
    text = PLAIN + '[[slow]]\nmachine = "cpu"\nfrom_ms = 450\nuntil_ms = 550\nfactor = 4\n'
    assert asked(scenario(tmp_path, text))["workloads"]["camera"]["missed"] == 1


def test_runs_of_a_lost_box_go_on_once_it_is_back(tmp_path: Path, asked: Any) -> None:
    text = PLAIN + '[[lost]]\nbox = "box"\nat_ms = 405\nback_ms = 600\n'
    camera = asked(scenario(tmp_path, text))["workloads"]["camera"]
    assert camera["finished"] == 10
    assert camera["missed"] > 0


def test_trace_gives_arrivals_as_fast_as_asked(tmp_path: Path, asked: Any) -> None:
    with gzip.open(tmp_path / "trace.csv.gz", "wt") as file:
        file.write("TIMESTAMP,Tokens\n2023-11-16 18:17:03.9799600,1\n2023-11-16 18:17:05.98,2\n")
    arrivals = '{ kind = "trace", file = "trace.csv.gz", speedup = 10 }'
    text = PLAIN.replace('{ kind = "periodic", rate_hz = 10 }', arrivals)
    found = asked(scenario(tmp_path, text))
    assert found["workloads"]["camera"]["runs"] == 2
    assert found["makespan_us"] == pytest.approx(220_000, abs=2_000)


def test_chart_shows_each_operation(tmp_path: Path, asked: Any) -> None:
    picture = tmp_path / "history.svg"
    asked(scenario(tmp_path), "--gantt", str(picture))
    assert "camera-9" in picture.read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("cost_ms = 20", "cost_ms = { gpu = 20 }"), "must name a machine of cpu; got 'gpu'"),
        (("rate_hz = 10", "rate_hz = 0"), "> 0.0"),
        (("duration_ms", "length_ms"), "length_ms"),
        (("cost_ms = 20 }", 'cost_ms = 20, after = ["late"] }'), "a stage before it"),
        (("duration_ms = 1000", "duration_ms ="), "site.toml"),
        (('name = "cpu"', 'name = "cpu"\n[[machines]]\nname = "cpu"'), "'cpu' twice"),
        (("[[machines]]", '[[lost]]\nbox = "b"\nat_ms = 1\n[[machines]]'), "a box of box; got 'b'"),
    ],
)
def test_fault_in_a_scenario_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], said: str
) -> None:
    assert said in refused(capsys, scenario(tmp_path, PLAIN.replace(*change)))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1.5\n1.0\n", "line 3: times must not go back; got 0.5 s back"),
        ("soon\n", "line 2: must begin with an ISO 8601 time or a number of seconds; got 'soon'"),
    ],
)
def test_fault_in_a_trace_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, said: str
) -> None:
    (tmp_path / "t.csv").write_text("at\n" + rows)
    text = PLAIN.replace('kind = "periodic"', 'kind = "trace", file = "t.csv"')
    assert said in refused(capsys, scenario(tmp_path, text))


@pytest.mark.parametrize("sweep", ["gpu=1..2", "cpu=2..1", "cpu", "rate=0..3", "cpu=1..999999"])
def test_sweep_that_says_nothing_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sweep: str
) -> None:
    assert "--sweep" in refused(capsys, scenario(tmp_path), "--sweep", sweep)


def test_policy_that_nobody_knows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "best" in refused(capsys, scenario(tmp_path), "--placement", "best")

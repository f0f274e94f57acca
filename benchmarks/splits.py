"""Splits of neural networks beside published ones; writes a table of `docs/benchmarks.md`.

    python -m benchmarks.splits [--data FOLDER] [--time-limit-s S] [--into docs/benchmarks.md]

The folder has ``dnn_partitioning`` as the paper's authors publish it, with a ``best_known.csv`` of
published values. Without one, the networks that the tests have are split.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.conditions import conditions
from benchmarks.page import write_section
from scheduler.instances.dnn_placement import read_placement
from scheduler.instances.reading import Node
from scheduler.model.schedule import Limits
from scheduler.splitting import Answer, Goal, solve, warm_up

ROOT = Path(__file__).parents[1]
BUILT_IN = ROOT / "tests" / "data" / "instances" / "dnn_placement"
COLUMNS = (
    "| graph | published bound | published value | bound | value | gap | s |\n"
    "|---|--:|--:|--:|--:|--:|--:|"
)


class Case(NamedTuple):
    """A network, the objective to minimise, and the published value."""

    name: str
    file: Path
    goal: Goal
    bound: str
    value: str


def cases(data: Path | None) -> list[Case]:
    if data is None:
        small = BUILT_IN / "bert24_inference.json", BUILT_IN / "bert24_inference_throughput.json"
        return [Case("bert24", file, goal, "", "") for file, goal in zip(small, Goal, strict=True)]
    folder = data / "dnn_partitioning"
    with (folder / "best_known.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    found = []
    for row in rows:
        goal = Goal.LATENCY if row["instance"].startswith("latency") else Goal.MAX_LOAD
        file = folder / f"{row['instance']}.json"
        if file.exists():
            name = row["instance"].partition("/")[2]
            found.append(Case(name, file, goal, row["lower_bound"], row["upper_bound"]))
    return found


def measured(case: Case, time_s: float, seed: int) -> tuple[Answer, float]:
    network = read_placement(Node(json.loads(case.file.read_text())))
    began_s = time.monotonic()
    answer = solve(network, case.goal, Limits(time_s=time_s), clock=time.monotonic, seed=seed)
    return answer, time.monotonic() - began_s


def lines(found: list[Case], time_s: float, seed: int) -> Iterator[str]:
    yield f"## Splits of neural networks\n\n`make bench-splits`: {time_s:g} s at most, one thread."
    yield f"{conditions([seed])}.\n"
    for goal in Goal:
        chosen = [case for case in found if case.goal is goal]
        yield f"### {goal.value.replace('_', ' ').capitalize()}, ms\n\n{COLUMNS}" if chosen else ""
        for case in chosen:
            answer, elapsed_s = measured(case, time_s, seed)
            cells = [_rounded(each) for each in (case.bound, case.value, answer.bound)]
            value = "none" if answer.value is None else _rounded(str(answer.value))
            gap = "" if answer.gap is None else f"{answer.gap:.1%}"
            row = [case.name, *cells, value, gap, f"{elapsed_s:.2f}"]
            yield f"| {' | '.join(row)} |"
        yield ""


def _rounded(number: str | float) -> str:
    return "" if number == "" else f"{float(number):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    named = os.environ.get("FJORD_BENCHMARK_DATA")
    parser.add_argument("--data", type=Path, default=Path(named) if named else None)
    parser.add_argument("--time-limit-s", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--into", type=Path)
    chosen = parser.parse_args()
    warm_up()
    text = "\n".join(lines(cases(chosen.data), chosen.time_limit_s, chosen.seed)).rstrip()
    if chosen.into is None:
        print(text)
    else:
        write_section(chosen.into, "splits", text)


if __name__ == "__main__":
    main()

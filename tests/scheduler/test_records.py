"""Plans that are better than the best known ones, checked twice: by the checker, and by hand."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scheduler.instances import parse
from scheduler.model.checker import check
from scheduler.model.schedule import Assignment, Schedule

FOLDER = Path(__file__).parents[1] / "data" / "records"
PLANS = sorted(FOLDER.glob("*.json"))
every_plan = pytest.mark.parametrize("file", PLANS, ids=lambda file: str(file.stem))


def read(file: Path) -> tuple[dict[str, Any], Path]:
    return json.loads(file.read_text()), file.with_suffix(".txt")


@every_plan
def test_the_checker_has_nothing_against_it(file: Path) -> None:
    record, instance = read(file)
    found = parse(instance.read_bytes(), instance.name)
    assignments = []
    for row in record["schedule"]:
        operation = found.problem.operations[row["operation"]]
        machine = found.problem.machines[row["machine"]].id
        mode = next(k for k, m in enumerate(operation.modes) if m.machine == machine)
        times = (row["start"] * found.us_per_unit, row["end"] * found.us_per_unit)
        assignments.append(
            Assignment(
                operation=operation.id,
                mode=mode,
                machine=machine,
                start_us=int(times[0]),
                end_us=int(times[1]),
            )
        )
    schedule = Schedule(assignments=tuple(assignments))
    assert check(found.problem, schedule) == []
    assert found.value(schedule.makespan_us) == record["makespan"] < record["best_known"]


def arcs_and_modes(lines: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
    """Precedence, and the machine and duration pairs of each operation, as written."""
    if len(lines[0]) == 3 and len(lines) == 1 + lines[0][0] + lines[0][1]:
        arcs = lines[0][1]
        return lines[1 : 1 + arcs], [pairs for _, *pairs in lines[1 + arcs :]]
    order: list[list[int]] = []
    modes: list[list[int]] = []
    for count, *words in lines[1:]:
        for place in range(count):
            size = words.pop(0) * 2
            if place:
                order.append([len(modes) - 1, len(modes)])
            modes.append(words[:size])
            del words[:size]
    return order, modes


@every_plan
def test_so_says_the_file_itself(file: Path) -> None:
    record, instance = read(file)
    lines = [[int(word) for word in line.split()] for line in instance.read_text().splitlines()]
    order, modes = arcs_and_modes([line for line in lines if line])
    plan = {row["operation"]: row for row in record["schedule"]}
    assert sorted(plan) == list(range(len(modes)))
    for i, pairs in enumerate(modes):
        allowed = dict(zip(pairs[::2], pairs[1::2], strict=True))
        assert plan[i]["end"] - plan[i]["start"] == allowed[plan[i]["machine"]]
    for before, after in order:
        assert plan[before]["end"] <= plan[after]["start"]
    for machine in {row["machine"] for row in plan.values()}:
        rows = sorted((r["start"], r["end"]) for r in plan.values() if r["machine"] == machine)
        assert all(one[1] <= other[0] for one, other in pairwise(rows))
    assert min(row["start"] for row in plan.values()) >= 0
    assert max(row["end"] for row in plan.values()) == record["makespan"]

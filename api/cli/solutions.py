"""Results of solvers as the command line shows them, in the words of the problem's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from api.cli import output
from api.cli.gantt import Bar, gantt, legend
from api.tools.gantt.chart import Chart
from api.tools.gantt.reading import chart_of, words_of
from scheduler.instances import Instance
from scheduler.model.objectives import Objective
from scheduler.model.problem import Operation
from scheduler.model.schedule import Assignment, BandResult, Result, Status

OWN_FORMAT = "fjord"
MOST_LETTERS = 52
MOST_ROWS = 48
"""Machines that a terminal shows."""
NOT_TIMES = frozenset({Objective.ENERGY, Objective.DEADLINE_MISSES})
"""Objectives that the file's unit of time has nothing to do with."""


def as_dict(instance: Instance, result: Result, elapsed_s: float) -> dict[str, Any]:
    """Say a result in plain data: operations, machines and times as the file has them."""
    several = {"bands": _bands(instance, result)} if result.bands else {}
    broken = {"broken": list(result.broken)} if result.broken else {}
    return {
        "status": result.status.value,
        "objective": result.objective,
        "value": value(instance, result, result.value),
        "bound": value(instance, result, result.bound),
        "gap": result.gap,
        "claimed_by": result.claimed_by or None,
        **several,
        "elapsed_s": round(elapsed_s, 6),
        "solver": result.solver,
        "found_by": result.found_by,
        **broken,
        "schedule": None if result.schedule is None else _assignments(instance, result),
        "trace": [
            [round(point.time_s, 6), value(instance, result, point.value)] for point in result.trace
        ],
    }


def _bands(instance: Instance, result: Result) -> list[dict[str, Any]]:
    """The result of each band, the most urgent first."""
    return [
        {
            "band": found.band.name.lower(),
            "status": found.status.value,
            "value": value(instance, result, found.value),
            "bound": value(instance, result, found.bound),
            "claimed_by": found.claimed_by or None,
        }
        for found in result.bands
    ]


def value(instance: Instance, result: Result, found: int | None) -> int | float | None:
    """Value of an objective in the unit of the file."""
    if found is None or result.objective in NOT_TIMES:
        return found
    return instance.value(found)


def _assignments(instance: Instance, result: Result) -> list[dict[str, Any]]:
    assert result.schedule is not None
    problem = instance.problem
    numbers = zip(problem.machines, instance.machine_numbers, strict=True)
    machine_of = {machine.id: number for machine, number in numbers}
    operations = zip(problem.operations, _operation_names(instance), strict=True)
    return [
        _assignment(instance, operation, name, result.schedule[operation.id], machine_of)
        for operation, name in operations
    ]


def _operation_names(instance: Instance) -> Sequence[int | str]:
    """Numbers as in the file; our own form has ids."""
    if instance.format == OWN_FORMAT:
        return [operation.id for operation in instance.problem.operations]
    return instance.operation_numbers


def _assignment(
    instance: Instance,
    operation: Operation,
    name: int | str,
    placed: Assignment,
    machine_of: dict[str, int | str],
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "operation": name,
        "machine": machine_of[placed.machine],
        "start": instance.value(placed.start_us),
        "end": instance.value(placed.end_us),
    }
    # The mode is named where a machine has several: a plan without it could not be run.
    if Counter(mode.machine for mode in operation.modes)[placed.machine] > 1:
        row["mode"] = placed.mode
    return row


def headline(instance: Instance, result: Result, elapsed_s: float) -> str:
    """The facts about a schedule in a line; of several bands, in order."""
    gap = "unknown" if result.gap is None else f"{result.gap:.2%}"
    unit = "" if result.objective in NOT_TIMES else words_of(instance).unit
    found, bound = (_shown(instance, result, n) for n in (result.value, result.bound))
    by = f", found by {result.found_by}" if result.found_by else ""
    name, measure = result.objective.replace("_", " "), f" in {unit}" if unit else ""
    known = f"{name} {found}, bound {bound}{measure}{claim(result.claimed_by)}, gap {gap}"
    if result.bands and result.schedule is not None:
        each = ", ".join(_known(instance, result, band) for band in result.bands)
        known = f"{name} {found}{measure}, of bands {each}"
    return f"{known}{by} in {elapsed_s:.3f} s"


def claim(engine: str) -> str:
    """Name the engine that alone claims a bound or that no schedule exists; empty if it is sure."""
    return f" (claimed by {engine})" if engine else ""


def _known(instance: Instance, result: Result, band: BandResult) -> str:
    """The value of a band, and its bound unless that is met."""
    found, bound = (_shown(instance, result, n) for n in (band.value, band.bound))
    proof = "optimal" if band.status is Status.OPTIMAL else f"bound {bound}"
    return f"{band.band.name.lower()} {found} ({proof}{_claimed(band)})"


def _claimed(band: BandResult) -> str:
    return f", claimed by {band.claimed_by}" if band.claimed_by else ""


def _shown(instance: Instance, result: Result, found: int | None) -> str:
    if found is None:
        return "unknown"
    if result.objective in NOT_TIMES:
        return f"{found:,}"
    return f"{words_of(instance).time(found):,}"


def chart(instance: Instance, result: Result, elapsed_s: float) -> Chart:
    """Give the schedule of a result as a chart."""
    assert result.schedule is not None
    problem = instance.problem
    counts = (
        f"{len(problem.operations):,} operations of {len(problem.jobs):,} jobs "
        f"on {len(problem.machines):,} machines"
    )
    title = f"{problem.name}: {counts}" if problem.name else counts
    notes = f"{result.status.value}: {headline(instance, result, elapsed_s)}"
    return chart_of(instance, result.schedule, title=title, notes=notes)


def show(instance: Instance, result: Result, elapsed_s: float) -> None:
    """Print a result, with a chart in characters."""
    console = output.console()
    style = output.STATE_STYLES.get(result.status.value, "yellow")
    line = headline(instance, result, elapsed_s)
    console.print(f"[{style}]{result.status.value}[/{style}] by {result.solver}: {line}")
    if result.schedule is None:
        return
    words = words_of(instance)
    names = dict(zip((m.id for m in instance.problem.machines), words.machines, strict=True))
    bars = [
        Bar(
            machine=names[placed.machine],
            job=instance.problem.operation(placed.operation).job,
            start_us=placed.start_us,
            end_us=placed.end_us,
        )
        for placed in result.schedule
    ]
    unit = f" {words.unit}" if words.unit else ""
    drawn = gantt(
        bars,
        width=output.chart_width(),
        most_rows=MOST_ROWS,
        span=lambda span_us: f"{words.time(span_us):,}{unit}",
    )
    console.print(drawn, soft_wrap=True, markup=False)
    if len(instance.problem.jobs) <= MOST_LETTERS:
        console.print(legend(bars), style="dim", markup=False)


def energy_uj(result: Result) -> int:
    """Energy of a plan of a front, in microjoules."""
    return round(result.statistics["energy_uj"])


def show_front(instance: Instance, found: Sequence[Result]) -> None:
    """Print plans that trade the makespan off against energy, the shortest first."""
    rows = [
        (
            _shown(instance, result, result.value),
            f"{energy_uj(result):,}",
            "unknown" if result.gap is None else f"{result.gap:.2%}{claim(result.claimed_by)}",
            result.found_by,
        )
        for result in found
    ]
    unit = words_of(instance).unit
    columns = (f"makespan {unit}".strip(), "energy uJ", "gap", "found by")
    output.print_table(columns, rows, empty="no schedule", right=columns[:3])

"""A grid of scenarios: other numbers of machines, other rates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from msgspec.structs import replace

from api.tools.simulating.form import ScenarioForm
from scheduler.model.errors import InvalidInput

MOST_POINTS = 10_000
_RANGE = re.compile(r"([A-Za-z0-9_-]+)=(\d+)\.\.(\d+)(?:\.\.(\d+))?")

Point = dict[str, int]


def points(text: str, form: ScenarioForm) -> list[Point]:
    """Read ``machines=1..4,rate=10..40..10`` as the points of a grid.

    A machine's name stands for its lanes, a workload's for its rate in hertz; `machines` and
    `rate` for those of all.

    Raises
    ------
    InvalidInput
        If it is no such text, names something else, or has too many points.
    """
    axes: dict[str, range] = {}
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None or int(found[3]) < int(found[2]) or found[4] == "0":
            raise InvalidInput(f"--sweep must be NAME=FIRST..LAST or ..STEP; got {part!r}")
        if found[1] not in _choices(form):
            listed = ", ".join(_choices(form))
            raise InvalidInput(f"--sweep must name one of {listed}; got {found[1]!r}")
        axes[found[1]] = range(int(found[2]), int(found[3]) + 1, int(found[4] or 1))
    grid = [dict(zip(axes, point, strict=True)) for point in product(*axes.values())]
    if len(grid) > MOST_POINTS:
        raise InvalidInput(f"--sweep must have at most {MOST_POINTS} points; got {len(grid)}")
    return grid


def _choices(form: ScenarioForm) -> dict[str, None]:
    machines = [each.name for each in form.machines]
    return dict.fromkeys(["machines", "rate", *machines, *_rated(form)])


def _rated(form: ScenarioForm) -> Iterator[str]:
    return (each.name for each in form.workloads if each.arrivals.kind != "trace")


def at(form: ScenarioForm, point: Point) -> ScenarioForm:
    """The scenario at one point of the grid.

    Raises
    ------
    InvalidInput
        If a rate would be 0.
    """
    machines, workloads = list(form.machines), list(form.workloads)
    for key, value in point.items():
        for i, machine in enumerate(machines):
            if key in ("machines", machine.name):
                machines[i] = replace(machine, lanes=value)
        for i, workload in enumerate(workloads):
            if key in ("rate", workload.name) and workload.arrivals.kind != "trace":
                if value < 1:
                    raise InvalidInput(f"--sweep: the rate {key} must be >= 1; got {value}")
                arrivals = replace(workload.arrivals, rate_hz=float(value))
                workloads[i] = replace(workload, arrivals=arrivals)
    return replace(form, machines=tuple(machines), workloads=tuple(workloads))

"""``fjord solve`` for fleets: a million operations, as arrays from end to end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from api.cli import output
from scheduler.instances.fleet import fleet_of
from scheduler.model.errors import InvalidInput, InvalidSchedule
from scheduler.solvers.arrays import Solution
from scheduler.solvers.fleets import Fleet, FleetPlan, heft_fleet, least_us
from scheduler.solvers.verifying import verify_on

BY = "heft"


class FleetAnswer(NamedTuple):
    """A plan that was verified, and the facts about its quality."""

    plan: FleetPlan
    value_us: int
    bound_us: int
    elapsed_s: float

    @property
    def gap(self) -> float:
        """``(value - bound) / value``."""
        return (self.value_us - self.bound_us) / self.value_us


def read(file: Path) -> Fleet:
    """Read a fleet from a file of NumPy arrays.

    Raises
    ------
    InvalidInput
        With the file, the array and what is wrong with it.
    """
    try:
        with np.load(file, allow_pickle=False) as found:
            return fleet_of({name: found[name] for name in found.files})
    except (ValueError, BadZipFile) as error:
        raise InvalidInput(f"{file}: {error}") from None


def answered(fleet: Fleet) -> FleetAnswer:
    """Plan a fleet and verify the plan."""
    began_s = time.perf_counter()
    plan = heft_fleet(fleet)
    assert plan is not None  # nobody stops it
    elapsed_s = time.perf_counter() - began_s
    broken = verify_on(fleet.kinds, Solution(plan.mode, plan.start_us), plan.machine, fleet.first)
    if broken is not None:
        raise InvalidSchedule(f"plan of a fleet must keep the rule {broken.value}")
    value_us = int((plan.start_us + fleet.kinds.mode_us[plan.mode]).max())
    return FleetAnswer(plan, value_us, least_us(fleet), elapsed_s)


def as_dict(fleet: Fleet, answer: FleetAnswer) -> dict[str, Any]:
    """Say an answer in plain data, with the keys that every schedule has."""
    plan = answer.plan
    ends = (plan.start_us + fleet.kinds.mode_us[plan.mode]).tolist()
    rows = zip(plan.machine.tolist(), plan.start_us.tolist(), ends, strict=True)
    return {
        "status": _status(answer),
        "objective": "makespan",
        "value": answer.value_us,
        "bound": answer.bound_us,
        "gap": answer.gap,
        "elapsed_s": round(answer.elapsed_s, 6),
        "solver": BY,
        "found_by": BY,
        "schedule": [
            {"operation": i, "machine": machine, "start": start, "end": end}
            for i, (machine, start, end) in enumerate(rows)
        ],
        "trace": [[round(answer.elapsed_s, 6), answer.value_us]],
    }


def show(fleet: Fleet, answer: FleetAnswer) -> None:
    """Print what was found, with a row per kind of machine."""
    output.console().print(
        f"{_status(answer)} by {BY}: makespan {answer.value_us:,}, bound {answer.bound_us:,} in us"
        f", gap {answer.gap:.2%} in {answer.elapsed_s:.3f} s"
    )
    plan, form = answer.plan, fleet.kinds
    many, kind = np.diff(fleet.first), form.mode_machine[plan.mode]
    busy = np.bincount(kind, weights=form.mode_us[plan.mode], minlength=len(many))
    counts = np.bincount(kind, minlength=len(many))
    rows = [
        (str(k), f"{many[k]:,}", f"{counts[k]:,}", f"{busy[k] / many[k] / answer.value_us:.0%}")
        for k in range(len(many))
    ]
    columns = ("kind", "machines", "operations", "busy")
    output.print_table(columns, rows, empty="no machines", right=columns)


def _status(answer: FleetAnswer) -> str:
    return "optimal" if answer.value_us == answer.bound_us else "feasible"

"""Next runs of streams: their times, their latest starts, and their durations on each machine."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.control.forecast.options import options
from scheduler.control.state.arrivals import Arrivals
from scheduler.control.state.expansion import expand
from scheduler.control.state.operations import LiveRun
from scheduler.control.state.state import State
from scheduler.model.problem import Band

ON_THE_WAY_US = 1_000
"""From the acceptance of a run to its start on a machine that is free."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The next run of a stream.

    Parameters
    ----------
    early_us, late_us
        Between these it should come.
    deadline_us
        By when it has to be through, if it comes early.
    takes_us
        The p95 of its longest chain, on each machine that can run all of it.
    """

    workload: str
    band: Band
    early_us: int
    late_us: int
    deadline_us: int
    takes_us: dict[str, int]

    def begin_by_us(self, machine: str) -> int:
        """Latest start on a machine that is in time."""
        return self.deadline_us - self.takes_us[machine] - ON_THE_WAY_US


def expected(state: State, band: Band) -> list[Expected]:
    """The next run of each stream that goes before a band and has a deadline, by time."""
    found: list[Expected] = []
    for arrivals in state.arrivals.values():
        if arrivals.latest.band < band:
            run = _next_run(state, arrivals)
            found += [run] if run is not None else []
    return sorted(found, key=lambda run: run.early_us)


def _next_run(state: State, arrivals: Arrivals) -> Expected | None:
    latest, times_us = arrivals.latest, arrivals.next_us()
    limits_us = [at_us for at_us in (latest.deadline_us, latest.due_us) if at_us is not None]
    if times_us is None or not limits_us or times_us[1] <= state.now_us:
        return None
    takes_us = _takes_us(state, arrivals)
    return Expected(
        workload=latest.workload,
        band=latest.band,
        early_us=max(times_us[0], state.now_us),
        late_us=times_us[1],
        deadline_us=times_us[0] + min(limits_us) - latest.at_us,
        takes_us=takes_us,
    )


def _takes_us(state: State, arrivals: Arrivals) -> dict[str, int]:
    """Per machine that can run every stage, the longest chain of stages there, by p95."""
    run = arrivals.run = arrivals.run or _copy(state, arrivals)
    ends_us: dict[str, dict[str, int]] = {}
    for op in run.operations.values():
        ends = ends_us[op.id] = {}
        for mode in options(state, op).modes:
            before = [ends_us[name].get(mode.machine) for name in op.unmet]
            if None not in before:
                begin_us = max((end_us for end_us in before if end_us is not None), default=0)
                end_us = begin_us + mode.setup_us + mode.p95_us
                ends[mode.machine] = min(end_us, ends.get(mode.machine, end_us))
    usable = [name for name in state.machines if all(name in ends for ends in ends_us.values())]
    return {name: max(ends[name] for ends in ends_us.values()) for name in usable if ends_us}


def _copy(state: State, arrivals: Arrivals) -> LiveRun:
    latest = arrivals.latest
    run = LiveRun(
        id=f"next of {latest.workload}",
        kind="run",
        workload=latest.workload,
        sequence=0,
        submitted_us=latest.at_us,
        band=latest.band,
        effective_band=latest.band,
        graph=state.workloads[latest.workload],
        inputs=latest.inputs,
        allow=latest.allow,
        forbid=latest.forbid,
    )
    expand(state, run)
    return run

"""The question to a competitor, and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.model.problem import Operation, Problem
from scheduler.model.schedule import Assignment, Schedule


class Unsupported(Exception):
    """The competitor has no words for this kind of problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The time and threads that a competitor may use once it has the problem in memory."""

    time_s: float
    workers: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An answer, in the problem's own time.

    Parameters
    ----------
    trace
        Seconds since the start, and the value from that moment on.
    """

    proven: bool
    schedule: Schedule | None
    bound: int | None = None
    found_by: str = ""
    trace: list[tuple[float, int]] = field(default_factory=list)


def refuse_beyond_rcpsp(problem: Problem) -> None:
    """Raise `Unsupported` if a problem has more than modes, precedence, transfers and resources."""
    machines = problem.machines
    beyond = {
        "memory": any(machine.memory_bytes is not None for machine in machines),
        "windows": any(machine.unavailable for machine in machines),
        "setups": any(mode.setup_us for op in problem.operations for mode in op.modes),
        "colocation": any(op.colocation for op in problem.operations),
        "started operations": any(op.progress for op in problem.operations),
        "releases": problem.now_us > 0 or any(job.release_us for job in problem.jobs),
        "deadlines": any(job.deadline_us is not None for job in problem.jobs),
        "bands": len({job.band for job in problem.jobs}) > 1,
    }
    if names := [name for name, there in beyond.items() if there]:
        raise Unsupported(f"no words for {', '.join(names)}")


def placed(operation: Operation, mode: int, start_us: int) -> Assignment:
    """Operation in one of its modes from a start on."""
    chosen = operation.modes[mode]
    return Assignment(
        operation=operation.id,
        mode=mode,
        machine=chosen.machine,
        start_us=start_us,
        end_us=start_us + chosen.duration_us,
    )

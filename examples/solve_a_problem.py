"""Use the solvers as a library: two pipelines on a CPU and an accelerator, without a service."""

from __future__ import annotations

from api.cli.gantt import Bar, gantt
from scheduler.model.problem import Edge, Job, Link, Machine, Mode, Operation, Problem
from scheduler.model.schedule import Limits, Result
from scheduler.portfolio import solve


def problem() -> Problem:
    """Two cameras: decode on the CPU, detect anywhere, track on the CPU."""
    return Problem(
        machines=(Machine(id="cpu"), Machine(id="npu")),
        jobs=(Job(id="left"), Job(id="right")),
        operations=tuple(
            Operation(id=f"{job}/{stage}", job=job, modes=modes)
            for job in ("left", "right")
            for stage, modes in {
                "decode": (Mode(machine="cpu", duration_us=2_000),),
                "detect": (
                    Mode(machine="cpu", duration_us=9_000),
                    Mode(machine="npu", duration_us=6_000),
                ),
                "track": (Mode(machine="cpu", duration_us=1_000),),
            }.items()
        ),
        edges=tuple(
            Edge(source=f"{job}/{before}", target=f"{job}/{after}", size_bytes=1_000_000)
            for job in ("left", "right")
            for before, after in (("decode", "detect"), ("detect", "track"))
        ),
        links=tuple(
            Link(source=a, target=b, latency_us=50, bandwidth_bytes_per_s=4_000_000_000)
            for a, b in (("cpu", "npu"), ("npu", "cpu"))
        ),
    )


def main() -> Result:
    cameras = problem()
    result = solve(cameras, solver="auto", limits=Limits(time_s=3_600, deterministic_s=5))
    assert result.schedule is not None
    bars = [
        Bar(
            machine=placed.machine,
            job=cameras.operation(placed.operation).job,
            start_us=placed.start_us,
            end_us=placed.end_us,
        )
        for placed in result.schedule
    ]
    print(f"{result.status}: {result.value} us, bound {result.bound} us")
    print(gantt(bars, width=70))
    return result


if __name__ == "__main__":
    main()

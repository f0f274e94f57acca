"""The cost of one event of the brain while few, many and very many operations wait.

    python -m benchmarks.events [--waiting 10 1000 50000] [--events 400] [--beside CHECKOUT]

`runs`: as many runs of one operation wait. `fan-out`: one run of two stages has as many
operations left. On two lanes, operations of a millisecond start and end in the order of the plan,
and now and then a critical run is submitted and another is cancelled. Figures are microseconds of
processor time per event, commands encoded as the store would take them. With another checkout, the
same is measured there, in turns.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from api.wiring import build_brain
from benchmarks.conditions import conditions
from benchmarks.sites import add_beside, python_of
from scheduler.control.commands import Command, RequestPlan, SendPlan
from scheduler.control.events import (
    Event,
    PlanProposed,
    RunCancelled,
    RunSubmitted,
    Tick,
    WorkloadAdded,
)
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.messages import (
    AgentJoined,
    Dispatch,
    MachineReport,
    OperationFinished,
    OperationStarted,
    ProviderReport,
    TensorRef,
    Value,
    Verdict,
    WorkKind,
)
from scheduler.model.problem import Band
from scheduler.portfolio import placers, warm_up

LANES = 2
WORK_US = 1_000
CRITICAL_EVERY = 20
"""Events from one submission of a critical run to the next; cancellations come as often."""
ONE = TensorRef(dtype="uint8", shape=(1,), size_bytes=1, inline=b"\0")


class Bench:
    """A brain, the agent that it believes in, and the time that each kind of event took."""

    def __init__(self) -> None:
        self.brain = build_brain()
        self.now_us = 1_000_000
        self.queues: dict[str, list[Dispatch]] = {}
        self.running: dict[str, tuple[Dispatch, int]] = {}
        self.begun: set[tuple[str, int]] = set()
        self.took_us: dict[str, list[float]] = defaultdict(list)

    def tell(self, event: Event) -> None:
        """Have the brain take in an event, and its agent the commands that follow."""
        began = time.process_time()
        commands = self.brain.handle(event)
        msgspec.json.encode(commands)
        took_us = (time.process_time() - began) * 1e6
        is_critical = isinstance(event, RunSubmitted) and event.band is Band.CRITICAL
        self.took_us["critical" if is_critical else type(event).__name__].append(took_us)
        self._take(commands)

    def step(self) -> None:
        """Start the next operation of each lane; then end the one that has run longest."""
        for machine, queue in self.queues.items():
            if machine not in self.running and queue:
                dispatch = queue.pop(0)
                self.begun.add((dispatch.operation, dispatch.attempt))
                self.running[machine] = (dispatch, self.now_us)
                self.tell(_started(dispatch, self.now_us))
        if not self.running:
            self.now_us += WORK_US
            self.tell(Tick(at_us=self.now_us))
            return
        machine = min(self.running, key=lambda name: self.running[name][1])
        dispatch, started_us = self.running.pop(machine)
        self.now_us = max(self.now_us, started_us + WORK_US)
        self.tell(_finished(dispatch, started_us, self.now_us))

    def _take(self, commands: Iterable[Command]) -> None:
        for command in commands:
            if isinstance(command, SendPlan):
                stopped = set(command.plan.stop)
                for name, (dispatch, _) in list(self.running.items()):
                    if (dispatch.operation, dispatch.attempt) in stopped:
                        del self.running[name]
                self.queues = {
                    machine: [d for d in queue if (d.operation, d.attempt) not in self.begun]
                    for machine, queue in command.plan.queues.items()
                }
            elif isinstance(command, RequestPlan):
                version = command.version
                self.brain.handle(
                    PlanProposed(at_us=self.now_us, version=version, solver="", schedule=None)
                )


def _started(dispatch: Dispatch, at_us: int) -> OperationStarted:
    return OperationStarted(
        at_us=at_us,
        operation=dispatch.operation,
        attempt=dispatch.attempt,
        run=dispatch.run,
        machine=dispatch.machine,
    )


def _finished(dispatch: Dispatch, started_us: int, at_us: int) -> OperationFinished:
    return OperationFinished(
        at_us=at_us,
        operation=dispatch.operation,
        attempt=dispatch.attempt,
        run=dispatch.run,
        machine=dispatch.machine,
        started_us=started_us,
        compute_us=at_us - started_us,
        outputs={name: Value(tensors=(ONE,)) for name in dispatch.work.outputs},
    )


def _joined() -> AgentJoined:
    lanes = tuple(
        MachineReport(
            id=f"a/cpu{i}",
            device=f"cpu{i}",
            device_class="cpu",
            cores=(i,),
            memory_bytes=1 << 30,
            providers=(ProviderReport(provider="cpu", device_class="cpu", verdict=Verdict.USABLE),),
            functions=("work",),
        )
        for i in range(LANES)
    )
    return AgentJoined(
        at_us=0, agent="a", incarnation="1", box="box", url="http://a", machines=lanes
    )


def _stage(name: str, use: StageInput, fan_out: str = "") -> Stage:
    return Stage(
        name=name,
        kind=WorkKind.FUNCTION,
        target="work",
        inputs=(use,),
        outputs=("out",),
        fan_out=fan_out,
        declared_us=WORK_US,
    )


def _workloads() -> tuple[Workload, Workload]:
    one = Workload(
        name="one",
        version=1,
        stages=(_stage("s", StageInput(name="x", stage="", output="x")),),
        outputs={"y": ("s", "out")},
    )
    item = StageInput(name="x", stage="", output="xs", take=Take.ELEMENT)
    again = StageInput(name="x", stage="a", output="out", take=Take.SAME_ITEM)
    wide = Workload(
        name="wide",
        version=1,
        stages=(_stage("a", item, "xs"), _stage("b", again, "xs")),
        outputs={"ys": ("b", "out")},
    )
    return one, wide


def _submitted(at_us: int, run: str, band: Band = Band.BACKGROUND) -> RunSubmitted:
    given = {"x": Value(tensors=(ONE,))}
    return RunSubmitted(at_us=at_us, run=run, workload="one@1", inputs=given, band=band)


def measure(kind: str, waiting: int, events: int) -> dict[str, list[float]]:
    """Microseconds of each event by kind, while a number of operations wait."""
    bench = Bench()
    bench.tell(_joined())
    for workload in _workloads():
        bench.tell(WorkloadAdded(at_us=0, workload=workload))
    if kind == "runs":
        for i in range(waiting):
            bench.tell(_submitted(bench.now_us, f"r-{i}"))
    else:
        items = Value(tensors=(ONE,) * max(1, waiting // 2), is_list=True)
        bench.tell(
            RunSubmitted(at_us=bench.now_us, run="f", workload="wide@1", inputs={"xs": items})
        )
    submitted = dict(bench.took_us)
    bench.took_us = defaultdict(list)
    gc.collect()
    gc.freeze()
    for i in range(events):
        bench.step()
        if i % CRITICAL_EVERY == 0:
            bench.tell(_submitted(bench.now_us, f"c-{i}", Band.CRITICAL))
            bench.tell(_submitted(bench.now_us, f"d-{i}"))
            bench.tell(RunCancelled(at_us=bench.now_us, run=f"d-{i}"))
    bench.took_us["first submission"] = submitted["RunSubmitted"][-1:]
    if kind == "fan-out":
        bench.tell(RunCancelled(at_us=bench.now_us, run="f"))
        bench.took_us["cancel of the whole"] = bench.took_us["RunCancelled"][-1:]
    gc.unfreeze()
    return bench.took_us


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--waiting", type=int, nargs="+", default=[10, 1_000, 50_000])
    parser.add_argument("--events", type=int, default=400)
    parser.add_argument("--kinds", nargs="+", default=["runs", "fan-out"])
    add_beside(parser)
    options = parser.parse_args()
    warm_up(names=placers())
    print(f"{conditions([])}; {LANES} lanes, {options.events} steps")
    for kind in options.kinds:
        for waiting in options.waiting:
            _say(f"{kind}, {waiting} waiting", measure(kind, waiting, options.events))
            if options.beside:
                command = [python_of(options.beside), "-m", "benchmarks.events", "--kinds", kind]
                command += ["--waiting", str(waiting), "--events", str(options.events)]
                done = subprocess.run(
                    command, cwd=options.beside, capture_output=True, text=True, check=True
                )
                print("  beside:", *done.stdout.splitlines()[1:], sep="\n  ")


def _say(name: str, found: dict[str, list[float]]) -> None:
    print(name)
    for kind, took_us in sorted(found.items()):
        ordered = sorted(took_us)
        p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        print(
            f"  {kind:22} n {len(ordered):5}  mean {statistics.fmean(ordered):9.0f} us  "
            f"p50 {statistics.median(ordered):9.0f}  p99 {p99:9.0f}"
        )


if __name__ == "__main__":
    main()

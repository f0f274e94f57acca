"""The mixed pipeline in simulated time, on lanes that a recorded trace slows down.

Exactly reproducible: the same trace, seed and oracle give the same history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from benchmarks.placement.trace import Replay, Trace
from scheduler.control.brain import Brain
from scheduler.control.commands import Command, RecordRun
from scheduler.control.events import Event, RunSubmitted, WorkloadAdded
from scheduler.control.records import RunRecord
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.messages import Dispatch, MachineReport, TensorRef, Value, WorkKind
from scheduler.model.ports import DurationOracle
from scheduler.model.problem import Band
from scheduler.portfolio import placer
from scheduler.simulation.agent import Nature
from scheduler.simulation.world import World

WORK_US = {
    "decode": 4_000,
    "prepare": 2_500,
    "detect": 28_000,
    "crop": 1_500,
    "upright": 600,
    "orient": 1_000,
    "turn": 400,
    "line": 700,
    "read": 9_000,
    "spell": 1_200,
    "gather": 300,
    "alarm": 2_000,
    "look": 7_000,
}
"""Of the stages of the OCR pipeline and of two streams, on a core of the box of the trace."""
LINES = 4
NOISE = 0.05
"""Standard deviation of the logarithm of a duration that nobody disturbs."""
START_US = 1_000_000
"""The first submission that counts; one run of each kind is made before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Runs of one operation that come at even intervals, each with a deadline."""

    work: str
    band: Band
    period_us: int
    deadline_us: int


# Three times the work: a run that has to wait for a detection that has begun is late.
STREAMS = (
    Stream(work="alarm", band=Band.CRITICAL, period_us=17_000, deadline_us=6_000),
    Stream(work="look", band=Band.HIGH, period_us=31_000, deadline_us=21_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The figures of one round: times of the batch, and counts of urgent runs and of late ones.

    Parameters
    ----------
    flow_us
        From the submission of a page to its end, on average.
    """

    makespan_us: int
    flow_us: int
    urgent: int
    missed: int


def simulate(
    make_oracle: Callable[[Callable[[], int]], DurationOracle],
    trace: Trace,
    *,
    pages: int = 12,
    gap_us: int = 100,
    seed: int = 0,
    keeps_free: bool = True,
) -> Outcome:
    """Run one round.

    Parameters
    ----------
    make_oracle
        Makes the oracle. It is given the clock of the simulation, for an oracle that cheats.
    pages
        Images that are to be read.
    gap_us
        From the submission of one page to the next, 100 us by default: all but at once.
    seed
        Of the durations, and of where in the trace the round begins.
    keeps_free
        True to keep a machine free for urgent runs that are expected.
    """
    worlds: list[World] = []
    kind = Brain if keeps_free else _Unaware
    brain = kind(oracle=make_oracle(lambda: worlds[0].now_us), solvers={"heft": placer("heft")})
    world = World(brain, nature=_nature(trace), seed=seed)
    worlds.append(world)
    world.join("box", "box", tuple(_lane(i) for i in range(len(trace.digits))), 0)
    for workload in (_ocr(), *(_single(stream.work) for stream in STREAMS)):
        world.send(WorkloadAdded(at_us=0, workload=workload))
    start_us = START_US + 137_000 * seed
    for submission in _submissions(pages, gap_us, start_us):
        world.send(submission)
    world.run(1_000_000)
    return _outcome(world, start_us)


class _Unaware(Brain):
    """Never notices that runs come at even intervals."""

    def handle(self, event: Event) -> list[Command]:
        self.state.arrivals.clear()
        return super().handle(event)


def _submissions(pages: int, gap_us: int, start_us: int) -> list[RunSubmitted]:
    found = [_submission("warm-ocr", "ocr", 10)]
    found += [_submission(f"warm-{s.work}", s.work, 500_000) for s in STREAMS]
    found += [_submission(f"page-{i}", "ocr", start_us + gap_us * i) for i in range(pages)]
    # As long as the batch takes on a box that nobody else uses, by both lanes.
    last_us = pages * max(gap_us, sum(_page_us().values()) // 2)
    for stream in STREAMS:
        for i in range(last_us // stream.period_us):
            at_us = start_us + 10_000 + i * stream.period_us
            found.append(_submission(f"{stream.work}-{i}", stream.work, at_us, stream))
    return found


def _page_us() -> dict[str, int]:
    once = ("decode", "prepare", "detect", "crop", "gather")
    per_line = ("upright", "orient", "turn", "line", "read", "spell")
    return {name: WORK_US[name] for name in once} | {n: LINES * WORK_US[n] for n in per_line}


def _submission(run: str, workload: str, at_us: int, stream: Stream | None = None) -> RunSubmitted:
    tensor = TensorRef(dtype="uint8", shape=(1,), size_bytes=1, inline=b"\0")
    return RunSubmitted(
        at_us=at_us,
        run=run,
        workload=f"{workload}@1",
        inputs={"image": Value(tensors=(tensor,))},
        band=stream.band if stream is not None else Band.NORMAL,
        deadline_us=at_us + stream.deadline_us if stream is not None else None,
        drop_late=False,
    )


def _outcome(world: World, start_us: int) -> Outcome:
    said = [c.record for commands in world.commands for c in commands if isinstance(c, RecordRun)]
    records = list({record.run: record for record in said}.values())
    pages = [record for record in records if record.run.startswith("page-")]
    urgent = [record for record in records if record.deadline_us is not None]
    return Outcome(
        makespan_us=max(_end_us(record) for record in pages) - start_us,
        flow_us=sum(_end_us(record) - record.submitted_us for record in pages) // len(pages),
        urgent=len(urgent),
        missed=sum(_end_us(record) > (record.deadline_us or 0) for record in urgent),
    )


def _end_us(record: RunRecord) -> int:
    assert record.ended_us is not None
    return record.ended_us


def _nature(trace: Trace) -> Nature:
    def duration_us(dispatch: Dispatch, _: Random) -> int:
        # By the operation, not by the order of starts: placements are compared on equal terms.
        chance = Random(dispatch.operation)
        return max(1, round(WORK_US[dispatch.work.name] * chance.lognormvariate(0.0, NOISE)))

    def items(dispatch: Dispatch, _: str) -> int | None:
        return LINES if dispatch.work.name == "crop" else None

    return Nature(duration_us=duration_us, items=items, stored=False, surroundings=Replay(trace))


def _lane(core: int) -> MachineReport:
    return MachineReport(
        id=f"box/cpu{core}",
        device=f"box/cpu{core}",
        device_class="cpu",
        cores=(core,),
        memory_bytes=1 << 30,
        providers=(),
        functions=tuple(WORK_US),
    )


def _stage(name: str, source: str, *, take: Take = Take.WHOLE, fan_out: str = "") -> Stage:
    stage, _, output = source.rpartition(".")
    return Stage(
        name=name,
        kind=WorkKind.FUNCTION,
        target=name,
        inputs=(StageInput(name="x", stage=stage, output=output, take=take),),
        outputs=("out",),
        fan_out=fan_out,
        expected_items=LINES if fan_out else 1,
        output_bytes={"out": 4096},
        declared_us=WORK_US[name],
    )


def _ocr() -> Workload:
    lines = ("upright", "orient", "turn", "line", "read", "spell")
    befores = ("crop", *lines[:-1])
    takes = (Take.ELEMENT, *([Take.SAME_ITEM] * (len(lines) - 1)))
    stages = (
        _stage("decode", "image"),
        _stage("prepare", "decode.out"),
        _stage("detect", "prepare.out"),
        _stage("crop", "detect.out"),
        *(
            _stage(name, f"{before}.out", take=take, fan_out="crop.out")
            for name, before, take in zip(lines, befores, takes, strict=True)
        ),
        _stage("gather", "spell.out", take=Take.GATHER),
    )
    return Workload(name="ocr", version=1, stages=stages, outputs={"text": ("gather", "out")})


def _single(name: str) -> Workload:
    stage = _stage(name, "image")
    return Workload(name=name, version=1, stages=(stage,), outputs={"y": (name, "out")})

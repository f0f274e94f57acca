"""Machines, workloads and events with keyword defaults, for tests of the brain."""

from __future__ import annotations

from random import Random
from zlib import crc32

from cost_models.oracle import Oracle
from scheduler.control.brain import Brain, BrainSettings
from scheduler.control.events import ModelAdded, RunSubmitted, WorkloadAdded
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.messages import (
    AgentJoined,
    Dispatch,
    MachineReport,
    ProviderReport,
    TensorRef,
    Value,
    Verdict,
    WorkKind,
)
from scheduler.portfolio import placer
from scheduler.simulation.agent import Nature

FUNCTIONS = ("decode", "crop", "join", "work")
DIGEST = "d" * 64
SECOND_US = 1_000_000


def lane(
    name: str,
    *,
    providers: tuple[str, ...] = ("cpu",),
    functions: tuple[str, ...] = FUNCTIONS,
    unusable: tuple[str, ...] = (),
    simulated: tuple[str, ...] = (),
) -> MachineReport:
    reports = tuple(
        ProviderReport(
            provider=provider,
            device_class="cpu",
            verdict=Verdict.FELL_BACK if provider in unusable else Verdict.USABLE,
            simulated=provider in simulated,
        )
        for provider in providers
    )
    return MachineReport(
        id=name,
        device=name,
        device_class="cpu",
        cores=(0,),
        memory_bytes=1 << 30,
        providers=reports,
        functions=functions,
    )


def agent_joined(
    agent: str = "a", *, lanes: int = 1, box: str = "", at_us: int = 0, incarnation: str = "1"
) -> AgentJoined:
    return AgentJoined(
        at_us=at_us,
        agent=agent,
        incarnation=incarnation,
        box=box or f"box-{agent}",
        url=f"http://{agent}",
        machines=tuple(lane(f"{agent}/cpu{i}") for i in range(lanes)),
    )


def tensor(box: str = "") -> TensorRef:
    if box:
        return TensorRef(dtype="uint8", shape=(4096,), size_bytes=4096, box=box, key=f"{box}/x")
    return TensorRef(dtype="uint8", shape=(1,), size_bytes=1, inline=b"\0")


def value(count: int | None = None, box: str = "") -> Value:
    tensors = tuple(tensor(box) for _ in range(1 if count is None else count))
    return Value(tensors=tensors, is_list=count is not None)


def function(name: str, target: str = "work", *, declared_us: int = 10_000, **inputs: str) -> Stage:
    """Build a stage of a function; each input is a reference as users write them."""
    return Stage(
        name=name,
        kind=WorkKind.FUNCTION,
        target=target,
        inputs=tuple(reference(key, text) for key, text in inputs.items()),
        outputs=("out",),
        output_bytes={"out": 4096},
        declared_us=declared_us,
    )


def reference(name: str, text: str, take: Take = Take.WHOLE) -> StageInput:
    stage, _, output = text.rpartition(".")
    return StageInput(name=name, stage=stage, output=output, take=take)


def single(name: str = "one", target: str = "work", *, declared_us: int = 10_000) -> Workload:
    stage = function("only", target, x="image", declared_us=declared_us)
    return Workload(name=name, version=1, stages=(stage,), outputs={"y": ("only", "out")})


def chain(name: str = "chain", length: int = 3) -> Workload:
    stages = tuple(
        function(f"s{i}", x="image" if i == 0 else f"s{i - 1}.out") for i in range(length)
    )
    return Workload(name=name, version=1, stages=stages, outputs={"y": (f"s{length - 1}", "out")})


def readers(output_bytes: int) -> Workload:
    """A source whose output two stages of 100 ms read."""
    source = function("source", x="image", declared_us=1_000)
    source.output_bytes["out"] = output_bytes
    both = [function(name, x="source.out", declared_us=100_000) for name in ("left", "right")]
    return Workload(
        name="readers",
        version=1,
        stages=(source, *both),
        outputs={"y": ("left", "out"), "z": ("right", "out")},
    )


def model_workload(name: str = "detect", digest: str = DIGEST) -> Workload:
    stage = Stage(
        name="only",
        kind=WorkKind.MODEL,
        target="det",
        digest=digest,
        inputs=(reference("x", "image"),),
        outputs=("out",),
    )
    return Workload(name=name, version=1, stages=(stage,), outputs={"y": ("only", "out")})


def fan(name: str = "fan", *, expected: int = 3) -> Workload:
    """Build split -> read per item -> score per item -> gather."""
    fan_out = "split.out"

    def per_item(stage: str, use: StageInput) -> Stage:
        return Stage(
            name=stage,
            kind=WorkKind.FUNCTION,
            target="work",
            inputs=(use,),
            outputs=("out",),
            fan_out=fan_out,
            expected_items=expected,
            declared_us=10_000,
        )

    gather = Stage(
        name="gather",
        kind=WorkKind.FUNCTION,
        target="join",
        inputs=(reference("parts", "score.out", Take.GATHER),),
        outputs=("out",),
        declared_us=2_000,
    )
    stages = (
        function("split", "crop", x="image"),
        per_item("read", reference("x", fan_out, Take.ELEMENT)),
        per_item("score", reference("x", "read.out", Take.SAME_ITEM)),
        gather,
    )
    outputs = {"all": ("gather", "out"), "parts": ("score", "out")}
    return Workload(name=name, version=1, stages=stages, outputs=outputs)


def added(workload: Workload, at_us: int = 0) -> WorkloadAdded:
    return WorkloadAdded(at_us=at_us, workload=workload)


def model_added(at_us: int = 0, digest: str = DIGEST, name: str = "det") -> ModelAdded:
    shapes: dict[str, tuple[int, ...]] = {"x": (1, 3)}
    return ModelAdded(
        at_us=at_us, name=name, digest=digest, size_bytes=1_000, profile_shapes=shapes
    )


def submitted(run: str, workload: str = "one@1", *, at_us: int = 0, **more: object) -> RunSubmitted:
    settings: dict[str, object] = {"inputs": {"image": value()}, **more}
    return RunSubmitted(at_us=at_us, run=run, workload=workload, **settings)  # type: ignore[arg-type]


def brain(settings: BrainSettings | None = None) -> Brain:
    solvers = {name: placer(name) for name in ("heft", "fastest_machine")}
    return Brain(oracle=Oracle(), solvers=solvers, settings=settings)


def nature(*, spread: float = 0.0, stored: bool = True, most_items: int = 5) -> Nature:
    """Work takes what was predicted, give or take; lists have a length that their run decides."""

    def duration_us(dispatch: Dispatch, random: Random) -> int:
        factor = 1.0 + spread * (random.random() - 0.3)
        return max(1, round(dispatch.expected_us * factor))

    def items(dispatch: Dispatch, output: str) -> int | None:
        if dispatch.work.name != "crop":
            return None
        return crc32(dispatch.run.encode()) % (most_items + 1)

    return Nature(duration_us=duration_us, items=items, stored=stored)

"""The price of less urgent work to urgent runs on the same machines, and theirs to it.

    python -m benchmarks.urgency [--mixes 200] [--seed 0] [--beside CHECKOUT]

Mixes of runs in three bands are simulated with the real brain: pages that fan out, chains, and
single models, on two to four lanes. Models run on a provider that stops at the next node when it is
told to, or on a compiled one that cannot stop. The slowdown is the flow time of the critical runs
over that in the same mix without the less urgent ones. A sixth of the mixes has nothing urgent.
With another checkout, the same is simulated there; the ratio of this to that is printed last.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from random import Random
from statistics import fmean

from benchmarks.conditions import conditions
from benchmarks.sites import add_beside, python_of
from cost_models.oracle import Oracle
from scheduler.control.brain import Brain, BrainSettings
from scheduler.control.events import ModelAdded, RunSubmitted, WorkloadAdded
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.messages import (
    Dispatch,
    FailureReason,
    MachineReport,
    OperationFailed,
    OperationFinished,
    OperationStarted,
    ProviderReport,
    TensorRef,
    Value,
    Verdict,
    WorkKind,
)
from scheduler.model.problem import Band
from scheduler.portfolio import placer
from scheduler.simulation.agent import Nature
from scheduler.simulation.world import World

MODELS_US = {"tiny": 1_500, "read": 9_000, "middle": 20_000, "detect": 60_000, "large": 110_000}
NODES = 30
"""Of a model: telling it to stop takes one of them."""
FUNCTION_US = 2_000
NOISE = 0.1
"""Standard deviation of the logarithm of a duration."""
START_US = 2_000_000
"""By then all models are measured."""
SPAN_US = 1_500_000
"""In which runs are submitted."""
ONE = TensorRef(dtype="uint8", shape=(1,), size_bytes=1, inline=b"\0")
STOPPABLE, COMPILED = "cpu", "compiled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Machines, and the runs that come to them."""

    seed: int
    provider: str
    lanes: int
    runs: tuple[RunSubmitted, ...]

    @property
    def is_urgent(self) -> bool:
        """True if some of the runs are critical."""
        return any(run.band is Band.CRITICAL for run in self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The figures of a simulated mix.

    Parameters
    ----------
    slowdown
        Of the critical runs together; 1 where there is none.
    worst
        The largest slowdown of a single run.
    rate
        Background work done per time, in lanes.
    thrown
        Share of the busy time of the lanes whose work was thrown away.
    makespan_us
        From the first submission to the last end.
    """

    provider: str
    slowdown: float
    worst: float
    rate: float
    thrown: float
    makespan_us: int
    is_urgent: bool


def mix(seed: int) -> Mix:
    """A mix by its seed."""
    random = Random(seed)
    lanes = random.choice((2, 2, 3, 4))
    load_us = round(lanes * SPAN_US * random.uniform(0.8, 1.4))
    runs = list(_filled(random, "b", Band.BACKGROUND, load_us))
    if seed % 6:
        runs += _filled(random, "n", Band.NORMAL, load_us // 4)
        runs += _filled(random, "c", Band.CRITICAL, load_us // 5)
    provider = random.choice((STOPPABLE, COMPILED))
    return Mix(seed=seed, provider=provider, lanes=lanes, runs=tuple(runs))


def _filled(random: Random, prefix: str, band: Band, load_us: int) -> Iterator[RunSubmitted]:
    """Runs of a band that amount to about this much work."""
    names, number = list(_workloads()), 0
    while load_us > 0:
        name = random.choice(names)
        load_us -= _work_us(_workloads()[name])
        yield _submission(f"{prefix}-{number}", name, band, random.randrange(SPAN_US))
        number += 1


def simulate(mixed: Mix) -> Outcome:
    """Run a mix, and its critical runs by themselves."""
    world = _world(mixed, mixed.runs)
    critical = tuple(run for run in mixed.runs if run.band is Band.CRITICAL)
    alone = _flows_us(_world(mixed, critical)) if critical else {}
    flows = _flows_us(world)
    slowdowns = [flows[name] / flow_us for name, flow_us in alone.items()]
    ends_us, done_us, thrown_us = _ends_us(world), _lane_us(world, "b-"), _thrown_us(world)
    background_us = max(at_us for name, at_us in ends_us.items() if name.startswith("b-"))
    return Outcome(
        provider=mixed.provider,
        slowdown=fmean(flows[name] for name in alone) / fmean(alone.values()) if alone else 1.0,
        worst=max(slowdowns, default=1.0),
        rate=done_us / (background_us - START_US),
        thrown=thrown_us / (thrown_us + _lane_us(world, "")),
        makespan_us=max(ends_us.values()) - START_US,
        is_urgent=mixed.is_urgent,
    )


def _world(mixed: Mix, runs: tuple[RunSubmitted, ...]) -> World:
    settings = BrainSettings(fill_share=0.0)
    brain = Brain(oracle=Oracle(), solvers={"heft": placer("heft")}, settings=settings)
    world = World(brain, nature=_nature(mixed), seed=mixed.seed)
    machines = tuple(_lane(i, mixed.provider) for i in range(mixed.lanes))
    world.join("box", "box", machines, 0)
    for name in MODELS_US:
        world.send(ModelAdded(at_us=1, name=name, digest=_digest(name), size_bytes=1_000))
    for workload in _workloads().values():
        world.send(WorkloadAdded(at_us=1, workload=workload))
    for run in runs:
        world.send(run)
    world.run(1_000_000)
    return world


def _ends_us(world: World) -> dict[str, int]:
    ends = (event for event in world.log if isinstance(event, OperationFinished))
    return {end.run: end.at_us for end in ends if end.run.startswith(("b-", "n-", "c-"))}


def _flows_us(world: World) -> dict[str, int]:
    submissions = (event for event in world.log if isinstance(event, RunSubmitted))
    came_us = {event.run: event.at_us for event in submissions if event.band is Band.CRITICAL}
    return {
        name: at_us - came_us[name] for name, at_us in _ends_us(world).items() if name in came_us
    }


def _lane_us(world: World, prefix: str) -> int:
    ends = (event for event in world.log if isinstance(event, OperationFinished))
    counted = (end for end in ends if end.run.startswith(prefix) and end.at_us > START_US)
    return sum(end.at_us - end.started_us for end in counted)


def _thrown_us(world: World) -> int:
    starts = {
        (e.operation, e.attempt): e.at_us for e in world.log if isinstance(e, OperationStarted)
    }
    stops = (event for event in world.log if isinstance(event, OperationFailed))
    return sum(
        stop.at_us - starts[stop.operation, stop.attempt]
        for stop in stops
        if stop.reason is FailureReason.CANCELLED
    )


def _nature(mixed: Mix) -> Nature:
    def duration_us(dispatch: Dispatch, _: Random) -> int:
        if dispatch.work.kind is WorkKind.PROFILE:
            return 10_000
        # By the operation, not by the order of starts: plans are compared on equal terms.
        chance = Random(f"{mixed.seed} {dispatch.operation}")
        base_us = MODELS_US.get(dispatch.work.name, FUNCTION_US)
        return round(base_us * chance.lognormvariate(0.0, NOISE))

    def items(dispatch: Dispatch, _: str) -> int | None:
        is_list = dispatch.work.name == "crop"
        return Random(f"{mixed.seed} {dispatch.run}").randint(2, 10) if is_list else None

    return Nature(
        duration_us=duration_us,
        items=items,
        stored=False,
        stop_us=lambda dispatch: MODELS_US.get(dispatch.work.name, FUNCTION_US) // NODES,
        profiled_us=lambda dispatch: MODELS_US[dispatch.work.name],
    )


def _lane(number: int, provider: str) -> MachineReport:
    found = ProviderReport(
        provider=provider,
        device_class="cpu",
        verdict=Verdict.USABLE,
        terminates=provider == STOPPABLE,
    )
    return MachineReport(
        id=f"box/cpu{number}",
        device=f"box/cpu{number}",
        device_class="cpu",
        cores=(number,),
        memory_bytes=1 << 30,
        providers=(found,),
        functions=("decode", "crop", "join"),
    )


def _workloads() -> dict[str, Workload]:
    page = (
        _stage("decode", "image"),
        _stage("detect", "decode.out"),
        _stage("crop", "detect.out"),
        _stage("turn", "crop.out", take=Take.ELEMENT, work="tiny", fan_out="crop.out"),
        _stage("read", "turn.out", take=Take.SAME_ITEM, fan_out="crop.out"),
        _stage("join", "read.out", take=Take.GATHER),
    )
    chain = (
        _stage("decode", "image"),
        _stage("first", "decode.out", work="middle"),
        _stage("second", "first.out", work="read"),
        _stage("third", "second.out", work="middle"),
    )
    found = [
        Workload(name="page", version=1, stages=page, outputs={"y": ("join", "out")}),
        Workload(name="chain", version=1, stages=chain, outputs={"y": ("third", "out")}),
    ]
    for name in ("tiny", "middle", "large"):
        stages = (_stage(name, "image"),)
        found.append(Workload(name=name, version=1, stages=stages, outputs={"y": (name, "out")}))
    return {workload.name: workload for workload in found}


def _stage(
    name: str, source: str, *, take: Take = Take.WHOLE, work: str = "", fan_out: str = ""
) -> Stage:
    before, _, output = source.rpartition(".")
    work = work or name
    is_model = work in MODELS_US
    return Stage(
        name=name,
        kind=WorkKind.MODEL if is_model else WorkKind.FUNCTION,
        target=work,
        digest=_digest(work) if is_model else "",
        inputs=(StageInput(name="x", stage=before, output=output, take=take),),
        outputs=("out",),
        fan_out=fan_out,
        expected_items=6 if fan_out else 1,
        output_bytes={"out": 4096},
        declared_us=0 if is_model else FUNCTION_US,
    )


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def _work_us(workload: Workload) -> int:
    times_us = (MODELS_US.get(s.target, FUNCTION_US) * s.expected_items for s in workload.stages)
    return sum(times_us)


def _submission(run: str, workload: str, band: Band, after_us: int) -> RunSubmitted:
    return RunSubmitted(
        at_us=START_US + after_us,
        run=run,
        workload=f"{workload}@1",
        inputs={"image": Value(tensors=(ONE,))},
        band=band,
    )


def _say(name: str, found: list[Outcome]) -> None:
    for provider in (STOPPABLE, COMPILED):
        urgent = [each for each in found if each.provider == provider and each.is_urgent]
        if urgent:
            print(
                f"{name:8} {provider:9} {len(urgent):4} mixes  "
                f"critical slowdown {fmean(each.slowdown for each in urgent):5.2f}  "
                f"worst run {fmean(each.worst for each in urgent):5.2f}  "
                f"background {fmean(each.rate for each in urgent):5.2f} lanes  "
                f"thrown away {fmean(each.thrown for each in urgent):6.2%}"
            )


def _compare(this: list[Outcome], that: list[Outcome]) -> None:
    """Print the ratios of this checkout to the other, also over batches with nothing urgent."""
    pairs = list(zip(this, that, strict=True))
    urgent = [(i, a, b) for i, (a, b) in enumerate(pairs) if a.is_urgent]
    excess = fmean(a.slowdown - 1 for _, a, _ in urgent) / fmean(
        b.slowdown - 1 for _, _, b in urgent
    )
    slower = {i: round(a.slowdown / b.slowdown, 2) for i, a, b in urgent if a.slowdown > b.slowdown}
    print(f"slowdown {fmean(a.slowdown / b.slowdown for _, a, b in urgent):.3f}, ", end="")
    print(f"its excess over 1 {excess:.3f}; slower in {len(slower)}: {slower}")
    rates = [a.rate / b.rate for _, a, b in urgent]
    print(f"background rate {fmean(rates):.3f}, least {min(rates):.3f}")
    batches = [a.makespan_us / b.makespan_us for a, b in pairs if not a.is_urgent]
    if batches:
        print(f"makespan of background only {fmean(batches):.4f}, most {max(batches):.4f}")


def main() -> None:
    """Print the figures of each kind of machines, and of another checkout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mixes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--raw", action="store_true", help="print outcomes as JSON, and no more")
    add_beside(parser)
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.mixes)
    found = [simulate(mix(seed)) for seed in seeds]
    if asked.raw:
        print(json.dumps([asdict(each) for each in found]))
        return
    print(conditions([asked.seed]))
    _say("this", found)
    if asked.beside:
        command = [python_of(asked.beside), "-m", "benchmarks.urgency", "--raw"]
        command += ["--mixes", str(asked.mixes), "--seed", str(asked.seed)]
        done = subprocess.run(command, cwd=asked.beside, capture_output=True, text=True, check=True)
        that = [Outcome(**each) for each in json.loads(done.stdout)]
        _say("beside", that)
        _compare(found, that)


if __name__ == "__main__":
    main()

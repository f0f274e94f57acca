"""From the form of a file to a scenario: names looked up, arrivals drawn, times in microseconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from api.tools.simulating.form import ArrivalsForm, ScenarioForm, StageForm, WorkloadForm
from api.tools.simulating.traces import read_trace
from scheduler.control.workload import Stage, StageInput, Workload
from scheduler.model.errors import InvalidInput
from scheduler.model.messages import MachineReport, WorkKind
from scheduler.model.problem import Band
from scheduler.simulation import arrivals
from scheduler.simulation.scenario import Cost, Lost, Scenario, Slow, Traffic

US_PER_MS = 1_000
_MEMORY_BYTES = 1 << 34


def scenario_of(form: ScenarioForm, folder: Path) -> Scenario:
    """Map a form.

    Parameters
    ----------
    folder
        Of the scenario's file: paths of traces count from there.

    Raises
    ------
    InvalidInput
        If a name is not known or used twice, or a trace cannot be read.
    """
    _distinct("machines", [each.name for each in form.machines])
    _distinct("workloads", [each.name for each in form.workloads])
    costs = dict(_costs(form))
    functions: dict[str, tuple[str, ...]] = {}
    for function, machine in costs:
        functions[machine] = (*functions.get(machine, ()), function)
    boxes: dict[str, tuple[MachineReport, ...]] = {each.box: () for each in form.machines}
    for box, name, device_class in _lanes(form):
        report = _machine(name, device_class, functions.get(name, ()))
        boxes[box] = (*boxes[box], report)
    return Scenario(
        boxes=boxes,
        traffic=tuple(_traffic(each, form, folder) for each in form.workloads),
        costs=costs,
        lost=tuple(_lost(form)),
        slow=tuple(_slow(form)),
        seed=form.seed,
    )


def _lanes(form: ScenarioForm) -> Iterator[tuple[str, str, str]]:
    """Box, id and device class of each machine."""
    for each in form.machines:
        for i in range(each.lanes):
            yield each.box, _id(each.box, each.name, i), each.device_class or each.name


def _id(box: str, name: str, lane: int) -> str:
    return f"{box}/{name}{lane}"


def _machine(name: str, device_class: str, functions: tuple[str, ...]) -> MachineReport:
    return MachineReport(
        id=name,
        device=name,
        device_class=device_class,
        cores=(),
        memory_bytes=_MEMORY_BYTES,
        providers=(),
        functions=functions,
    )


def _costs(form: ScenarioForm) -> Iterator[tuple[tuple[str, str], Cost]]:
    """Cost per function and machine; the name of a machine counts before its class."""
    choices = {each.name for each in form.machines} | {m.device_class for m in form.machines}
    for w, workload in enumerate(form.workloads):
        for s, stage in enumerate(workload.stages):
            by_name = stage.cost_ms if isinstance(stage.cost_ms, dict) else {}
            for name in by_name or ():
                _known(f"workloads[{w}].stages[{s}].cost_ms", "a machine", name, choices - {""})
            for each in form.machines:
                cost_ms = _cost_ms(stage, each.name, each.device_class)
                for lane in range(each.lanes if cost_ms is not None else 0):
                    key = f"{workload.name}.{stage.name}", _id(each.box, each.name, lane)
                    yield key, Cost(median_us=_us(cost_ms or 0.0), spread=stage.spread)


def _cost_ms(stage: StageForm, machine: str, device_class: str) -> float | None:
    if not isinstance(stage.cost_ms, dict):
        return stage.cost_ms
    return stage.cost_ms.get(machine, stage.cost_ms.get(device_class))


def _traffic(form: WorkloadForm, whole: ScenarioForm, folder: Path) -> Traffic:
    random = Random(f"{whole.seed}/{form.name}")
    until_us = _us(whole.duration_ms)
    return Traffic(
        workload=_workload(form),
        arrivals_us=_arrivals(form.arrivals, until_us, folder, random),
        band=Band[form.priority.upper()],
        deadline_us=None if form.deadline_ms is None else _us(form.deadline_ms),
        drop_late=form.drop_late,
    )


def _arrivals(form: ArrivalsForm, until_us: int, folder: Path, random: Random) -> tuple[int, ...]:
    if form.kind == "trace":
        found = read_trace(folder / form.file, speedup=form.speedup)
        return tuple(at_us for at_us in found if at_us < until_us)
    if form.kind == "poisson":
        return arrivals.poisson(form.rate_hz, until_us, random=random)
    if form.kind == "bursty":
        return arrivals.bursty(form.rate_hz, until_us, burst=form.burst, random=random)
    jitter_us = _us(form.jitter_ms)
    return arrivals.periodic(form.rate_hz, until_us, jitter_us=jitter_us, random=random)


def _workload(form: WorkloadForm) -> Workload:
    names: list[str] = []
    for i, stage in enumerate(form.stages):
        for before in stage.after:
            where = f"workload {form.name!r}: stages[{i}].after"
            _known(where, "a stage before it", before, set(names))
        names.append(stage.name)
    _distinct(f"stages of workload {form.name!r}", names)
    stages = tuple(_stage(form.name, each) for each in form.stages)
    inner = {before for stage in form.stages for before in stage.after}
    outputs = {name: (name, "out") for name in names if name not in inner}
    return Workload(name=form.name, version=1, stages=stages, outputs=outputs)


def _stage(workload: str, form: StageForm) -> Stage:
    sources = [(name, "out") for name in form.after] or [("", "frame")]
    cost_ms = form.cost_ms
    likely_ms = min(cost_ms.values(), default=1.0) if isinstance(cost_ms, dict) else cost_ms
    return Stage(
        name=form.name,
        kind=WorkKind.FUNCTION,
        target=f"{workload}.{form.name}",
        inputs=tuple(
            StageInput(name=f"x{i}", stage=stage, output=output)
            for i, (stage, output) in enumerate(sources)
        ),
        outputs=("out",),
        output_bytes={"out": form.output_bytes},
        declared_us=_us(likely_ms),
    )


def _lost(form: ScenarioForm) -> Iterator[Lost]:
    for i, each in enumerate(form.lost):
        _known(f"lost[{i}].box", "a box", each.box, {machine.box for machine in form.machines})
        if each.back_ms is not None and each.back_ms <= each.at_ms:
            raise InvalidInput(f"lost[{i}].back_ms must be > at_ms; got {each.back_ms:g}")
        back_us = None if each.back_ms is None else _us(each.back_ms)
        yield Lost(box=each.box, at_us=_us(each.at_ms), back_us=back_us)


def _slow(form: ScenarioForm) -> Iterator[Slow]:
    for i, fault in enumerate(form.slow):
        names = {each.name for each in form.machines}
        _known(f"slow[{i}].machine", "a machine", fault.machine, names)
        (machine,) = (each for each in form.machines if each.name == fault.machine)
        for lane in range(machine.lanes):
            yield Slow(
                machine=_id(machine.box, machine.name, lane),
                from_us=_us(fault.from_ms),
                until_us=_us(fault.until_ms),
                factor=fault.factor,
            )


def _us(time_ms: float) -> int:
    return max(1, round(time_ms * US_PER_MS)) if time_ms else 0


def _known(where: str, what: str, name: str, choices: set[str]) -> None:
    if name not in choices:
        listed = ", ".join(sorted(choices)) or "none"
        raise InvalidInput(f"{where} must name {what} of {listed}; got {name!r}", field=where)


def _distinct(where: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"{where} must have distinct names; got {twice[0]!r} twice", field=where)

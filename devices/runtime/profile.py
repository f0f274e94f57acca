"""Measures a model on one provider of one machine: is it right there, how long does it take?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from devices.catalogue import Provider
from devices.models import bind_shapes, read_model
from devices.runtime import registry
from devices.runtime.canary import SEED, Values, cpu_outputs, judge
from devices.runtime.engines.engine import Shapes
from devices.runtime.errors import ProviderRefused, RunFailed
from devices.runtime.inputs import seeded_inputs
from devices.runtime.judging.locating import operator_at_fault
from devices.runtime.judging.trying import tried
from devices.runtime.memory import GrownMemory
from devices.runtime.operators import operator_times
from devices.runtime.session import Session, open_session
from devices.runtime.versions import plug_in_version, runtime_version
from devices.sensing.energy import EnergyMeter
from scheduler.model.errors import InvalidTensor
from scheduler.model.messages import Profile, Verdict

REPEATS = 20
"""Warm runs to measure; a p95 of fewer says little."""
BUDGET_US = 2_000_000
"""Time to spend on warm runs; at least one is measured in any case."""

Clock = Callable[[], int]


def profile(
    path: Path,
    digest: str,
    row: Provider,
    machine: str,
    shapes: Shapes | None = None,
    *,
    examples: Values | None = None,
    repeats: int = REPEATS,
    budget_us: int = BUDGET_US,
    operators: bool = False,
    keep: Callable[[Session, Shapes], None] | None = None,
    clock: Clock = time.perf_counter_ns,
    meter: EnergyMeter | None = None,
) -> Profile:
    """Load a model, check it against the CPU, warm it up and time it.

    A provider's fault is no exception: it is the verdict and the reason of the profile.

    Parameters
    ----------
    shapes
        Shapes of inputs; those that are not given are bound as `bind_shapes` does.
    examples
        Values of some inputs, such as settings; the others are made up.
    operators
        True to measure each operator too, in a session of its own.
    keep
        Takes the session, warm, and the shapes it was made for, where the verdict is usable.
    clock
        Monotonic nanoseconds.
    meter
        Counts energy; ``None`` takes that of this box.

    Raises
    ------
    InvalidModel
        If the file is no model, or the shapes do not fit it.
    """
    bound = bind_shapes(read_model(path), shapes or {})
    blank = _blank(digest, row, machine, bound)
    try:
        registry.devices(row)
        memory = GrownMemory()  # the model's alone: the provider's own library is loaded by now
        session = open_session(path, row, shapes=bound)
    except ProviderRefused as error:
        return replace(blank, verdict=error.verdict, reason=error.reason)
    opened = replace(blank, coverage=session.coverage, load_us=session.load_us)
    inputs = seeded_inputs(session.inputs, bound, SEED) | dict(examples or {})
    try:
        # The first run allocates, and on some providers compiles: its extra time counts as loading.
        first_us, outputs = _run(session, inputs, clock)
        meter = meter or EnergyMeter.of_lane(row.lane)
        before = meter.read_uj()
        samples = _samples(session, inputs, repeats=repeats, budget_us=budget_us, clock=clock)
        used_uj = meter.used_uj(before)
    except (RunFailed, InvalidTensor, MemoryError) as error:
        return replace(opened, reason=str(error))
    timed = replace(
        opened,
        samples_us=samples,
        load_us=session.load_us + max(0, first_us - min(samples)),
        # Taken before the reference on the CPU is made, which needs memory of its own.
        resident_bytes=memory.kept_bytes(),
        peak_bytes=memory.peak_bytes(),
        energy_uj=used_uj // len(samples) if used_uj is not None else None,
    )
    judged = _checked(timed, path, row, inputs, outputs)
    judged = _tried(judged, path, session, inputs, set(examples or {}))
    if keep is not None and judged.verdict is Verdict.USABLE:
        keep(session, bound)
    return _with_operators(judged, path, row, inputs) if operators else judged


def _blank(digest: str, row: Provider, machine: str, shapes: Shapes) -> Profile:
    """The profile of which nothing but its subject is known."""
    return Profile(
        digest=digest,
        machine=machine,
        provider=row.name,
        verdict=Verdict.FAILED,
        shapes=dict(shapes),
        runtime=runtime_version(),
        plug_in=plug_in_version(row),
    )


def _with_operators(timed: Profile, path: Path, row: Provider, inputs: Values) -> Profile:
    if timed.verdict is not Verdict.USABLE:
        return timed
    try:
        found, note = operator_times(path, row, inputs)
    except (ProviderRefused, RunFailed, MemoryError, OSError, ValueError) as error:
        return replace(timed, operators_note=f"operators cannot be measured: {error}")
    return replace(timed, operators=found, operators_note=note)


def _samples(
    session: Session, inputs: Values, *, repeats: int, budget_us: int, clock: Clock
) -> tuple[int, ...]:
    samples: list[int] = []
    while not samples or (len(samples) < repeats and sum(samples) < budget_us):
        samples.append(_run(session, inputs, clock)[0])
    return tuple(samples)


def _run(session: Session, inputs: Values, clock: Clock) -> tuple[int, Values]:
    started = clock()
    outputs = session.run(inputs)
    return max(1, (clock() - started) // 1000), outputs


def _checked(timed: Profile, path: Path, row: Provider, inputs: Values, outputs: Values) -> Profile:
    if row.name == "cpu":
        return replace(timed, verdict=Verdict.USABLE)
    try:
        found = judge(cpu_outputs(path, inputs), outputs, row)
    except (ProviderRefused, RunFailed, MemoryError) as error:
        return replace(timed, reason=f"the CPU cannot run it for comparison: {error}")
    judged = replace(timed, verdict=found.verdict, reason=found.reason, error=found.error)
    if found.verdict is not Verdict.WRONG:
        return judged
    operator = operator_at_fault(
        path, row, inputs, found.output, tolerance=row.tolerance, load_us=timed.load_us
    )
    return replace(judged, reason=f"{found.reason}, first at {operator}")


def _tried(
    judged: Profile, path: Path, session: Session, inputs: Values, fixed: set[str]
) -> Profile:
    if judged.verdict is not Verdict.USABLE or session.row.name == "cpu":
        return judged
    try:
        return tried(judged, path, session, inputs, fixed)
    except (ProviderRefused, RunFailed, MemoryError) as error:
        return replace(judged, note=f"not tried on harder inputs: {error}")

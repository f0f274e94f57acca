"""Tries a model, once it is known to be right on plain inputs, on inputs of harder kinds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto

from devices.catalogue import Provider, provider
from devices.models.info import parse
from devices.models.tracing import choices, computes_in_doubles, data_inputs, with_outputs
from devices.runtime.errors import RunFailed
from devices.runtime.judging.deviation import worst
from devices.runtime.judging.locating import operator_at_fault
from devices.runtime.judging.trials import Kind, Trial, trials
from devices.runtime.session import Session, open_session
from fjord.narrow import widened
from scheduler.model.messages import Profile, Verdict

BUDGET_US = 5_000_000
"""Time for the runs of all trials on the provider: a simulator takes minutes for one."""
DOUBLE_TOLERANCE = 1e-9
"""Of models that compute in doubles alone: float32 keeps 1e-7, and nobody asked for that."""
_ROUNDING = {"f32": 2.0**-22, "f16": 2.0**-10, "bf16": 2.0**-7}
"""Relative error of a number by the precision that a provider computes in."""
_NOISE_FACTOR = 10.0
"""A provider may be off by so many times what rounding its inputs makes on the CPU."""

Values = Mapping[str, Any]


@dataclass(slots=True)
class _Pair:
    """A model on a provider and on the CPU, with the tensors behind its choices as outputs."""

    path: Path
    row: Provider
    session: Session
    reference: Session
    is_double: bool

    def tolerance(self, trial: Trial | None) -> float:
        """Deviation up to which the provider is right in a trial."""
        is_exact = self.is_double and trial is not None and trial.kind is Kind.DOUBLES
        return DOUBLE_TOLERANCE if is_exact else self.row.tolerance


def tried(
    timed: Profile,
    path: Path,
    session: Session,
    inputs: Values,
    fixed: set[str],
    clock: Callable[[], int] = time.perf_counter_ns,
) -> Profile:
    """Refuse a provider that goes wrong on a kind of inputs, and note what NaN becomes there.

    Parameters
    ----------
    timed
        The profile so far, whose verdict is usable.
    fixed
        Inputs that keep their values.
    clock
        Monotonic nanoseconds.
    """
    model = parse(path)
    made = trials(session.inputs, inputs, fixed=fixed, data=data_inputs(model))
    watched = choices(model)
    kinds: list[Trial | None] = [None, *made] if watched else list(made)
    run_us = min(timed.samples_us)
    spent_us, left_out = timed.load_us if watched else 0, list[str]()
    with _pair(path, model, session, inputs, watched if spent_us <= BUDGET_US else []) as pair:
        for trial in kinds:
            if spent_us + run_us > BUDGET_US:
                left_out += [trial.kind.value] if trial is not None else ["the values behind it"]
                continue
            before = clock()
            timed = _judged(timed, pair, trial, inputs)
            spent_us += (clock() - before) // 1000
            if timed.verdict is not Verdict.USABLE:
                return timed
    return replace(timed, note="; ".join(filter(None, (timed.note, _said(left_out)))))


def _said(left_out: list[str]) -> str:
    return f"too slow to be tried with {', '.join(left_out)}" if left_out else ""


@contextmanager
def _pair(
    path: Path, model: ModelProto, session: Session, inputs: Values, watched: list[str]
) -> Iterator[_Pair]:
    is_double = computes_in_doubles(model)
    if not watched:
        reference = open_session(path, provider("cpu"))
        yield _Pair(path, session.row, session, reference, is_double)
        return
    # Classes alone may be right where the scores are not: what is behind them is compared.
    with TemporaryDirectory(prefix="fjord-watched-") as folder:
        copy = Path(folder) / "watched.onnx"
        onnx.save(with_outputs(model, watched), copy)
        shapes = {name: value.shape for name, value in inputs.items()}
        opened = open_session(copy, session.row, shapes=shapes)
        yield _Pair(copy, session.row, opened, open_session(copy, provider("cpu")), is_double)


def _judged(timed: Profile, pair: _Pair, trial: Trial | None, inputs: Values) -> Profile:
    given = inputs if trial is None else trial.inputs
    try:
        expected = pair.reference.run(given)
    except (RunFailed, MemoryError):
        return timed  # the CPU refuses such values, so nobody needs them elsewhere
    is_nan = trial is not None and trial.kind is Kind.NAN
    if not is_nan and not _is_finite(expected):
        return timed
    try:
        got = pair.session.run(given)
    except RunFailed as failed:
        return replace(timed, verdict=Verdict.WRONG, reason=f"{_with(trial)}{failed.message}")
    output, error = worst(expected, got)
    tolerance = pair.tolerance(trial)
    if error <= tolerance or (not is_nan and error <= _noise(pair, trial, expected)):
        return timed
    operator = operator_at_fault(
        pair.path, pair.row, given, output, tolerance=tolerance, load_us=timed.load_us
    )
    if is_nan:
        note = f"a NaN becomes a number at {operator}: inputs with one do not run here"
        return replace(timed, hides_nan=operator, note=note)
    reason = f"{_with(trial)}output {output!r} is off by {error:.3g} of the largest value"
    return replace(
        timed,
        verdict=Verdict.WRONG,
        error=error,
        reason=f"{reason}, first at {operator}; {pair.row.name} may be off by {tolerance:g}",
    )


def _with(trial: Trial | None) -> str:
    return f"with {trial.kind.value}: " if trial is not None else ""


def _is_finite(values: Values) -> bool:
    arrays = (widened(np.asarray(value)) for value in values.values())
    return all(bool(np.isfinite(a).all()) for a in arrays if a.dtype.kind == "f")


def _noise(pair: _Pair, trial: Trial | None, expected: Values) -> float:
    """Deviation that is no fault: so much do inputs rounded as the provider does change the CPU."""
    if trial is None or trial.kind is not Kind.LARGE:
        return 0.0
    rounded = {name: _rounded(value, pair.row) for name, value in trial.inputs.items()}
    try:
        _, error = worst(expected, pair.reference.run(rounded))
    except (RunFailed, MemoryError):
        return 0.0
    return _NOISE_FACTOR * error


def _rounded(value: Any, row: Provider) -> Any:
    wide = widened(value)
    if wide.dtype.kind != "f":
        return value
    return (wide * (1 + _ROUNDING[row.precision])).astype(value.dtype)

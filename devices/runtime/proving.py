"""Proves that pieces in a row compute what the whole model does, on the CPU."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.catalogue import provider
from devices.runtime.engines.engine import Shapes
from devices.runtime.inputs import seeded_inputs
from devices.runtime.judging.deviation import worst
from devices.runtime.session import Session, open_session
from scheduler.model.errors import InvalidModel

SEEDS = (20, 21, 22)
"""Of the inputs that a chain is tried on: any will do, as long as they are always the same."""
_INT32 = 2**31
"""INT64 numbers from here on lose their upper half on several providers."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Figures of a chain of pieces beside the whole.

    Parameters
    ----------
    inputs
        Number of inputs that it was tried on.
    error
        Largest error of an output relative to its largest value; 0 where it `is_bitwise` equal.
    whole_us, piece_us
        Least times of a run, warm, on this core.
    shapes
        Of every tensor between pieces, and of the inputs.
    crossing_bytes
        Per piece, bytes that it gives to later ones.
    """

    inputs: int
    is_bitwise: bool
    error: float
    whole_us: int
    piece_us: tuple[int, ...]
    shapes: dict[str, tuple[int, ...]]
    crossing_bytes: tuple[int, ...]


def prove(whole: Path, pieces: Sequence[Path], *, shapes: Shapes, examples: Values) -> Proof:
    """Run a chain of pieces and the whole on the same inputs, and compare the outputs.

    Parameters
    ----------
    shapes
        Of the inputs of the whole.
    examples
        Values of some inputs, such as settings; the others are made up, for each seed anew.

    Raises
    ------
    InvalidModel
        If the outputs are further apart than rounding makes them, or a tensor between pieces holds
        a number that another provider would not carry.
    ProviderRefused, RunFailed
        If the CPU does not run a piece.
    """
    row = provider("cpu")
    one = open_session(whole, row)
    chain = [open_session(path, row) for path in pieces]
    error, is_bitwise, values = 0.0, True, dict[str, Any]()
    times: list[list[int]] = []
    for seed in SEEDS:
        given = seeded_inputs(one.inputs, shapes, seed) | dict(examples)
        expected, whole_us = _timed(one, given)
        values, piece_us = _through(chain, given)
        times.append([whole_us, *piece_us])
        output, off = worst(expected, values)
        if off > row.tolerance:
            raise InvalidModel(
                f"pieces in a row must compute the same as the whole, within {row.tolerance:g}; "
                f"output {output!r} is off by {off:.3g} of its largest value",
                field="cuts",
            )
        error = max(error, off)
        is_bitwise = is_bitwise and all(_is_same(expected[name], values[name]) for name in expected)
    crossing = _crossing(chain)
    for name in set().union(*crossing):
        _check_carried(name, np.asarray(values[name]))
    # The least of several runs: the first allocates, and others compute on the same box.
    whole_us, *piece_us = map(min, zip(*times, strict=True))
    return Proof(
        inputs=len(SEEDS),
        is_bitwise=is_bitwise,
        error=error,
        whole_us=whole_us,
        piece_us=tuple(piece_us),
        shapes={name: tuple(np.asarray(value).shape) for name, value in values.items()},
        crossing_bytes=tuple(sum(np.asarray(values[n]).nbytes for n in each) for each in crossing),
    )


def _timed(session: Session, values: Values) -> tuple[dict[str, Any], int]:
    given = {tensor.name: values[tensor.name] for tensor in session.inputs}
    times = []
    for _ in range(2):
        started = time.perf_counter_ns()
        results = session.run(given)
        times.append((time.perf_counter_ns() - started) // 1000)
    return results, max(1, min(times))


def _through(chain: Sequence[Session], given: Values) -> tuple[dict[str, Any], list[int]]:
    """All tensors of a run through the pieces, and the time of each."""
    values, times = dict(given), []
    for session in chain:
        results, run_us = _timed(session, values)
        values |= results
        times.append(run_us)
    return values, times


def _crossing(chain: Sequence[Session]) -> list[set[str]]:
    """Per piece, the tensors that a later one reads."""
    read = [{tensor.name for tensor in session.inputs} for session in chain]
    return [
        {t.name for t in session.outputs} & set().union(*read[place + 1 :])
        for place, session in enumerate(chain)
    ]


def _check_carried(name: str, value: np.ndarray[Any, Any]) -> None:
    """Refuse numbers between pieces that are others on some providers."""
    if value.dtype == np.int64 and value.size and np.abs(value).max() >= _INT32:
        law = "must be below 2**31 in a tensor of int64 that is cut at"
        raise InvalidModel(f"values {law}; {name!r} holds larger ones", field="cuts")
    if value.dtype == np.float16 and not np.isfinite(value).all():
        law = "must be finite in a tensor of float16 that is cut at"
        raise InvalidModel(f"values {law}; {name!r} overflows", field="cuts")


def _is_same(one: Any, other: Any) -> bool:
    first, second = np.asarray(one), np.asarray(other)
    if first.dtype.kind == "O":
        return bool(np.array_equal(first, second))
    return first.shape == second.shape and first.tobytes() == second.tobytes()

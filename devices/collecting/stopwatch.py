"""The side of the process: sessions of one provider, and the time that their runs take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from typing import Any

from devices.catalogue import Provider
from devices.collecting.protocol import (
    Answer,
    Ask,
    Forget,
    MeasurePeaks,
    PeaksTold,
    Request,
    Spin,
    Told,
)
from devices.models import bind_shapes, read_model
from devices.runtime.canary import SEED
from devices.runtime.errors import ProviderRefused, RunFailed
from devices.runtime.inputs import seeded_inputs
from devices.runtime.memory import GrownMemory
from devices.runtime.peaks import measure_peaks
from devices.runtime.session import Session, open_session
from devices.sensing.pace import count_ns
from scheduler.model.errors import FjordError

LEAST_RUNS = 3
# The time of a graph that is mostly left to the CPU says little of the provider.
_LEAST_COVERAGE = 0.5
_FAULTS = (FjordError, ProviderRefused, RunFailed, MemoryError, KeyError)

Inputs = Mapping[str, Any]


class Stopwatch:
    """Answers requests, one at a time.

    Parameters
    ----------
    inbox
        Any request that comes in ends a spin.
    """

    def __init__(self, row: Provider, threads: int, inbox: SimpleQueue[Request | None]) -> None:
        self._row = row
        self._threads = threads
        self._inbox = inbox
        self._open: dict[tuple[str, str], tuple[Session, Inputs]] = {}
        self._handlers: dict[type, Callable[[Any], Answer | None]] = {
            Ask: self._ask,
            Spin: self._spin,
            Forget: self._forget,
            MeasurePeaks: self._peaks,
        }

    def handle(self, request: Request) -> Answer | None:
        """Carry out a request; a fault of the model or the provider is an answer."""
        try:
            return self._handlers[type(request)](request)
        except _FAULTS as error:
            return None if isinstance(request, Spin) else Told(refusal=str(error)[:500])

    def _ask(self, ask: Ask) -> Told:
        memory = GrownMemory()
        session, inputs, load_us = self._session(ask.path, ask.shapes)
        first_us = _timed_us(session, inputs)
        warmed_us = first_us
        while warmed_us < ask.warm_us:
            warmed_us += _timed_us(session, inputs)
        started_us = time.monotonic_ns() // 1000
        samples: list[int] = []
        paces: list[int] = []
        while len(samples) < LEAST_RUNS or (
            len(samples) < ask.repeats and sum(samples) < ask.budget_us
        ):
            if ask.gap_us:
                time.sleep(ask.gap_us / 1_000_000)
            paces += [count_ns(), count_ns()]
            samples.append(_timed_us(session, inputs))
        return Told(
            samples_us=tuple(samples),
            started_us=started_us,
            pace_ns=round(median(paces)),
            load_us=load_us + max(0, first_us - min(samples)) if load_us else 0,
            peak_bytes=memory.peak_bytes() if load_us else 0,
        )

    def _spin(self, spin: Spin) -> None:
        session, inputs, _ = self._session(spin.path, spin.shapes)
        while self._inbox.empty():
            session.run(inputs)

    def _forget(self, _forget: Forget) -> None:
        self._open.clear()

    def _peaks(self, request: MeasurePeaks) -> PeaksTold:
        found = measure_peaks(self._row, threads=self._threads, budget_us=request.budget_us)
        return PeaksTold(peaks=found)

    def _session(
        self, path: str, shapes: Mapping[str, tuple[int, ...]]
    ) -> tuple[Session, Inputs, int]:
        key = (path, repr(sorted(shapes.items())))
        if key in self._open:
            return *self._open[key], 0
        bound = bind_shapes(read_model(Path(path)), shapes)
        session = open_session(
            Path(path),
            self._row,
            shapes=bound,
            min_coverage=_LEAST_COVERAGE,
            threads=self._threads,
        )
        inputs = seeded_inputs(session.inputs, bound, SEED)
        self._open[key] = (session, inputs)
        return session, inputs, session.load_us


def _timed_us(session: Session, inputs: Inputs) -> int:
    started = time.perf_counter_ns()
    session.run(inputs)
    return max(1, round((time.perf_counter_ns() - started) / 1000))

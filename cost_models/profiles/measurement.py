"""One row of the data that cost models learn from: work, place, load and duration."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from statistics import median
from typing import Any

from cost_models.features.kernels import Kernel
from scheduler.model.errors import InvalidMeasurement
from scheduler.model.measuring import Kind, Load, Neighbour, Peaks

VERSION = 1
"""Version of the rows; one is refused by a program of another version."""
SOURCES = ("profile", "run", "collected")
KERNELS = "kernels"
"""Family of small graphs that are one kind of kernel; no network, and never held out as one."""
_SHARES = ("utilisation", "foreign", "contention", "memory_pressure", "memory_used")
MAX_RUN_QUEUE = 10_000.0
"""Runnable threads per core beyond which the counter is taken for nonsense."""
MAX_FREQUENCY = 1.5
"""A clock this far over the highest that the box itself names is nonsense."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Durations of one piece of work on one provider of one machine, with all that matters.

    Parameters
    ----------
    digest
        SHA-256 of the model or partition file.
    family
        Family of networks it belongs to; empty if not known.
    batch
        Items per run.
    variant
        Precision or size of the model file, such as ``fp32``.
    graph
        Features of the graph with these shapes.
    kernels
        The kernels of that graph; empty in rows of before they were kept.
    machine, fingerprint
        Name of the machine; its hardware and the build of its provider, in one line.
    threads
        Threads that the session may use.
    peaks
        Highest speeds of the provider there; ``None`` if they were not measured.
    samples_us
        Durations of single runs in the order they were made; empty is refused.
    load_us
        Time to make the session.
    peak_bytes
        Most memory held.
    energy_uj
        Energy of one run; ``None`` where no counter can be read.
    at_us
        Time since the Unix epoch.
    source
        ``profile``, ``run`` or ``collected``.
    roofline_us, operator_sum_us
        By the roofline and by the sum of the operators' rooflines, to compare with; 0 if the peaks
        are not known.

    Raises
    ------
    InvalidMeasurement
        If a value breaks a law; it names the field, the law and what came.
    """

    digest: str
    machine: str
    provider: str
    samples_us: tuple[int, ...]
    family: str = ""
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    batch: int = 1
    variant: str = ""
    graph: dict[str, float] = field(default_factory=dict)
    kernels: tuple[Kernel, ...] = ()
    fingerprint: str = ""
    threads: int = 1
    peaks: Peaks | None = None
    load: Load = field(default_factory=Load)
    load_us: int = 0
    peak_bytes: int = 0
    energy_uj: int | None = None
    at_us: int = 0
    source: str = "collected"
    roofline_us: float = 0.0
    operator_sum_us: float = 0.0
    version: int = VERSION

    def __post_init__(self) -> None:
        _check(self.version == VERSION, "version", f"must be {VERSION}", self.version)
        for name, law, holds, got in _laws(self):
            _check(holds, name, law, got)

    @property
    def median_us(self) -> float:
        """Median of the samples, to be compared with the p50 of a prediction."""
        return median(self.samples_us)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        found["load"] = asdict(self.load)
        found["peaks"] = asdict(self.peaks) if self.peaks is not None else None
        return found

    @cached_property
    def row_digest(self) -> str:
        """SHA-256 over the content: the same row has the same digest in every store."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def measurement_from(document: Mapping[str, Any]) -> Measurement:
    """Read a row that `Measurement.to_dict` gave.

    Raises
    ------
    InvalidMeasurement
        If it is of another version, lacks a field, has one too many, or breaks a law.
    """
    values = dict(document)
    _check(values.get("version") == VERSION, "version", f"must be {VERSION}", values.get("version"))
    try:
        load = dict(values.pop("load"))
        load["neighbours"] = tuple(_neighbour(each) for each in load.get("neighbours", ()))
        peaks = values.pop("peaks")
        shapes = {name: tuple(shape) for name, shape in values.pop("shapes").items()}
        return Measurement(
            load=Load(**load),
            peaks=Peaks(**peaks) if peaks is not None else None,
            shapes=shapes,
            samples_us=tuple(values.pop("samples_us")),
            kernels=tuple(Kernel(*each) for each in values.pop("kernels", ())),
            **values,
        )
    except InvalidMeasurement:
        raise
    except KeyError as error:
        name = str(error.args[0])
        raise InvalidMeasurement(f"{name} must be given; got none", field=name) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidMeasurement(
            f"row must have the fields of version {VERSION}; {error}"
        ) from None


_Law = tuple[str, str, bool, object]


def _laws(row: Measurement) -> Iterator[_Law]:
    yield "digest", "must not be empty", bool(row.digest), row.digest
    yield "machine", "must not be empty", bool(row.machine), row.machine
    yield "provider", "must not be empty", bool(row.provider), row.provider
    yield "source", f"must be one of {', '.join(SOURCES)}", row.source in SOURCES, row.source
    yield "samples_us", "must not be empty", bool(row.samples_us), row.samples_us
    for index, sample in enumerate(row.samples_us):
        yield f"samples_us[{index}]", "must be an integer >= 1", _is_count(sample, 1), sample
    yield from _counts(
        (("batch", row.batch, 1), ("threads", row.threads, 1), ("load_us", row.load_us, 0))
    )
    yield from _counts((("peak_bytes", row.peak_bytes, 0), ("at_us", row.at_us, 0)))
    if row.energy_uj is not None:
        yield from _counts((("energy_uj", row.energy_uj, 0),))
    for name, value in row.graph.items():
        yield f"graph.{name}", "must be finite", _is_within(value, -math.inf, math.inf), value
    for name in ("roofline_us", "operator_sum_us"):
        value = getattr(row, name)
        yield name, "must be finite and >= 0", _is_within(value, 0.0, math.inf), value
    yield from _load_laws(row.load)
    yield from _peak_laws(row.peaks) if row.peaks is not None else ()


def _load_laws(load: Load) -> Iterator[_Law]:
    for name in _SHARES:
        value = getattr(load, name)
        yield f"load.{name}", "must be within 0 and 1", _is_within(value, 0.0, 1.0), value
    yield from _range("load.run_queue", load.run_queue, MAX_RUN_QUEUE)
    yield from _range("load.frequency", load.frequency, MAX_FREQUENCY)
    yield from _counts((("load.queue", load.queue, 0), ("load.idle_us", load.idle_us, 0)))


def _peak_laws(peaks: Peaks) -> Iterator[_Law]:
    for name, rate in peaks.flops_per_s.items():
        holds = _is_within(rate, 0.0, math.inf) and rate > 0
        yield f"peaks.flops_per_s[{name!r}]", "must be finite and positive", holds, rate
    rate = peaks.bytes_per_s
    yield "peaks.bytes_per_s", "must be finite, >= 0", _is_within(rate, 0.0, math.inf), rate
    yield from _counts(
        (("peaks.launch_ns", peaks.launch_ns, 0), ("peaks.node_ns", peaks.node_ns, 0))
    )


def _range(name: str, value: float, most: float) -> Iterator[_Law]:
    yield name, f"must be within 0 and {most:g}", _is_within(value, 0.0, most), value


def _counts(fields: Iterable[tuple[str, object, int]]) -> Iterator[_Law]:
    for name, value, least in fields:
        yield name, f"must be an integer >= {least}", _is_count(value, least), value


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_within(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and least <= value <= most


def _neighbour(document: Mapping[str, Any]) -> Neighbour:
    return Neighbour(**{**document, "kind": Kind(document["kind"])})


def _check(holds: bool, name: str, law: str, got: object) -> None:
    if not holds:
        raise InvalidMeasurement(f"{name} {law}; got {got!r}", field=name)

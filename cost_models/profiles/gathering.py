"""Single executions become rows: those of the same work under much the same load, together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cost_models.features import Summary
from cost_models.online.causes import Amounts, amounts
from cost_models.profiles.measurement import Measurement
from cost_models.roofline import operator_sum_us, roofline_us
from scheduler.model.measuring import Load, Peaks
from scheduler.model.messages import MachineReport, Profile, Verdict
from scheduler.model.ports import CostQuery

SAMPLES = 8
"""Executions of a row, as many as a collected one has."""
LEAST_SAMPLES = 3
LONGEST_US = 60_000_000
"""A row is complete when it is so old and has the least samples."""
FIRST_REST_US = 60_000_000
"""After a row the same thing is left alone for so long, and for twice as long each further time: a
thing that repeats all day says little that is new, and would fill the disk."""
LONGEST_REST_US = 24 * 3_600_000_000
MOST_GROUPS = 4_000
"""Things that are gathered at once at most; the oldest goes first."""

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
Graphs = Callable[[str, Shapes], Summary | None]
_Key = tuple[str, Shapes, str, str, Amounts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A row to be, once its graph is counted.

    Parameters
    ----------
    runs
        Duration and load of each execution, in the order they came.
    """

    digest: str
    shapes: Shapes
    machine: MachineReport
    provider: str
    runs: tuple[tuple[int, Load], ...]
    at_us: int
    source: str
    load_us: int = 0
    peak_bytes: int = 0


@dataclass(slots=True)
class _Group:
    since_us: int
    machine: MachineReport
    runs: list[tuple[int, Load]] = field(default_factory=list)
    rest_us: int = FIRST_REST_US
    closed_until_us: int = 0


class Gatherer:
    """Gathers reports of agents. It counts no graph and writes nothing."""

    def __init__(self) -> None:
        self._groups: dict[_Key, _Group] = {}
        self._profiles: list[Gathered] = []

    def add_profile(self, profile: Profile, machine: MachineReport) -> None:
        """Take in a profile: it is a row by itself. One that failed, or without load, is none."""
        if profile.verdict is not Verdict.USABLE or not profile.samples_us or profile.load is None:
            return
        load = profile.load
        self._profiles.append(
            Gathered(
                digest=profile.digest,
                shapes=tuple(sorted(profile.shapes.items())),
                machine=machine,
                provider=profile.provider,
                runs=tuple((max(1, sample), load) for sample in profile.samples_us),
                at_us=profile.at_us,
                source="profile",
                load_us=profile.load_us,
                peak_bytes=profile.peak_bytes,
            )
        )

    def add_run(
        self, query: CostQuery, machine: MachineReport, duration_us: int, load: Load, at_us: int
    ) -> None:
        """Take in an execution."""
        key = (query.digest, query.shapes, query.machine, query.provider, amounts(load))
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= MOST_GROUPS:
                del self._groups[next(iter(self._groups))]
            group = self._groups[key] = _Group(at_us, machine)
        if at_us < group.closed_until_us or len(group.runs) >= SAMPLES:
            return
        if not group.runs:
            group.since_us, group.machine = at_us, machine
        group.runs.append((duration_us, load))

    def take(self, at_us: int) -> list[Gathered]:
        """Everything that is complete by then, each once."""
        found, self._profiles = self._profiles, []
        for key, group in self._groups.items():
            is_old = at_us - group.since_us >= LONGEST_US and len(group.runs) >= LEAST_SAMPLES
            if is_old or len(group.runs) >= SAMPLES:
                found.append(_closed(key, group, at_us))
        return found


def row_of(gathered: Gathered, graphs: Graphs) -> Measurement | None:
    """The row, with the counts of its graph; ``None`` where that cannot be counted.

    The load is that of the execution with the median duration, as they belong together.
    """
    cost = graphs(gathered.digest, gathered.shapes)
    if cost is None:
        return None
    machine, provider = gathered.machine, gathered.provider
    peaks = next((found for found in machine.peaks if found.provider == provider), None)
    known = peaks or Peaks(provider=provider)
    kinds = {report.provider: report.fingerprint for report in machine.providers}
    ordered = sorted(gathered.runs, key=lambda run: run[0])
    return Measurement(
        digest=gathered.digest,
        shapes=dict(gathered.shapes),
        graph=dict(cost.features),
        kernels=cost.kernels,
        machine=machine.id,
        provider=provider,
        fingerprint=kinds.get(provider, ""),
        threads=max(1, len(machine.cores)),
        peaks=peaks,
        load=ordered[len(ordered) // 2][1],
        samples_us=tuple(duration_us for duration_us, _ in gathered.runs),
        load_us=gathered.load_us,
        peak_bytes=gathered.peak_bytes,
        at_us=gathered.at_us,
        source=gathered.source,
        roofline_us=roofline_us(cost, known),
        operator_sum_us=operator_sum_us(cost, known),
    )


def _closed(key: _Key, group: _Group, at_us: int) -> Gathered:
    digest, shapes, _, provider, _ = key
    runs, group.runs = tuple(group.runs), []
    group.closed_until_us = at_us + group.rest_us
    group.rest_us = min(2 * group.rest_us, LONGEST_REST_US)
    return Gathered(
        digest=digest,
        shapes=shapes,
        machine=group.machine,
        provider=provider,
        runs=runs,
        at_us=at_us,
        source="run",
    )

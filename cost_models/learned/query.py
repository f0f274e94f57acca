"""What a learned prediction is asked about: a graph on a provider of a machine, beside a load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cost_models.features.kernels import Kernel
from cost_models.profiles.measurement import Measurement
from scheduler.model.measuring import Load, Peaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One run whose duration is wanted.

    Parameters
    ----------
    graph, kernels
        Features of the graph with its shapes, and its kernels.
    provider, fingerprint, threads
        What runs it: together they name a kind of machine, of which there may be many.
    load
        What is expected beside it.
    """

    graph: Mapping[str, float]
    kernels: tuple[Kernel, ...]
    provider: str
    fingerprint: str = ""
    threads: int = 1
    peaks: Peaks | None = None
    load: Load = field(default_factory=Load)

    @property
    def machine_kind(self) -> str:
        """Machines of one kind share what was learned of them."""
        return f"{self.provider}|{self.fingerprint}|{self.threads}"


def query_of(row: Measurement) -> Query:
    """Ask about what was measured."""
    return Query(
        graph=row.graph,
        provider=row.provider,
        fingerprint=row.fingerprint,
        threads=row.threads,
        peaks=row.peaks,
        kernels=row.kernels,
        load=row.load,
    )


BUSY_SHARE = 0.1
"""Share of the cores that others may take before a machine counts as loaded: what housekeeping
takes of a box at rest is less."""


def is_loaded(load: Load) -> bool:
    """Whether anything beside the run itself could have slowed it down."""
    others = max(load.foreign, load.contention)
    return bool(load.neighbours) or others > BUSY_SHARE or load.throttled

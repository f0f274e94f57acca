"""Questions to a learned model: a graph on a provider of a machine, beside a load."""

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
        Together they name a kind of machine, of which there may be many.
    load
        Load that is expected beside it.
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
        """Name of the kind of machine: machines of one kind share all that is learned of them."""
        return f"{self.provider}|{self.fingerprint}|{self.threads}"


def query_of(row: Measurement) -> Query:
    """Ask about a measured row."""
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
"""Share of the cores that others may take before a machine counts as loaded: housekeeping takes
less of a box at rest."""


def is_loaded(load: Load) -> bool:
    """True if anything beside the run itself could have slowed it down."""
    others = max(load.foreign, load.contention)
    return bool(load.neighbours) or others > BUSY_SHARE or load.throttled

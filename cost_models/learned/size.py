"""Size of a learned model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleSize:
    """Sizes of both ensembles. A tree of the quantiles costs 35 ns per row: keep them near 20.

    Parameters
    ----------
    factors
        Trees of the base, which is asked once per graph.
    trees
        Of p10, p50 and p95.
    leaves
        Most leaves of a tree of the median, and of the outer quantiles.
    least_rows
        Least rows that a leaf stands for.
    """

    factors: int = 200
    trees: tuple[int, int, int] = (2, 14, 4)
    leaves: tuple[int, int] = (16, 8)
    least_rows: int = 20
    rate: float = 0.3

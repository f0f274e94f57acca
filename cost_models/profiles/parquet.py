"""Writes measurements as a Parquet file, for notebooks and other tools: a row per measurement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cost_models.profiles.measurement import Measurement
from scheduler.model.errors import InvalidMeasurement, Unavailable

_FLAT = (
    "digest",
    "family",
    "batch",
    "variant",
    "machine",
    "fingerprint",
    "provider",
    "threads",
    "load_us",
    "peak_bytes",
    "energy_uj",
    "at_us",
    "source",
    "roofline_us",
    "operator_sum_us",
    "version",
)


def export(rows: Sequence[Measurement], path: Path) -> None:
    """Write all rows; features are columns named ``graph.*``, loads ``load.*``, peaks ``peaks.*``.

    Raises
    ------
    InvalidMeasurement
        If there is nothing to write.
    Unavailable
        If pyarrow is missing.
    """
    if not rows:
        raise InvalidMeasurement("folder must hold measurements to export; got none")
    arrow, parquet = _arrow()
    flat = [dict(_columns(row)) for row in rows]
    # A feature that a row does not know is empty there, so rows of several versions go together.
    names = list(dict.fromkeys(name for row in flat for name in row))
    table = arrow.table({name: [row.get(name) for row in flat] for name in names})
    # Whole under another name first: a file that is there is never half written.
    draft = path.with_name(f"{path.name}.draft")
    parquet.write_table(table, draft)
    draft.replace(path)


def _columns(row: Measurement) -> Iterator[tuple[str, Any]]:
    for name in _FLAT:
        yield name, getattr(row, name)
    yield "shapes", json.dumps(row.shapes, sort_keys=True)
    yield "median_us", float(row.median_us)
    yield "samples_us", list(row.samples_us)
    for name, value in row.graph.items():
        yield f"graph.{name}", float(value)
    load = row.to_dict()["load"]
    neighbours = load.pop("neighbours")
    yield "load.neighbours", json.dumps(neighbours, sort_keys=True)
    for name, value in load.items():
        yield f"load.{name}", value
    if row.peaks is not None:
        yield "peaks.bytes_per_s", float(row.peaks.bytes_per_s)
        yield "peaks.launch_ns", row.peaks.launch_ns
        yield "peaks.node_ns", row.peaks.node_ns
        for name, rate in sorted(row.peaks.flops_per_s.items()):
            yield f"peaks.flops_per_s.{name}", float(rate)


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise Unavailable("Parquet needs pyarrow: pip install 'fjord-scheduler[cost]'") from error
    return pyarrow, pyarrow.parquet

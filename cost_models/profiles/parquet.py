"""Measurements as a Parquet file: for notebooks and other tools, and to ship them small."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cost_models.profiles.measurement import Measurement, measurement_from
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
    parquet.write_table(table, draft, compression="zstd")
    draft.replace(path)


def load(path: Path) -> tuple[Measurement, ...]:
    """Read the rows of a file that `export` wrote, in their order.

    Raises
    ------
    InvalidMeasurement
        If a row cannot be used.
    Unavailable
        If pyarrow is missing.
    """
    _, parquet = _arrow()
    return tuple(measurement_from(_document(row)) for row in parquet.read_table(path).to_pylist())


def _document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as `Measurement.to_dict` gives it."""
    loads = _part(row, "load.") | {"neighbours": json.loads(row["load.neighbours"])}
    rates = _part(row, "peaks.flops_per_s.")
    peaks = {name: value for name, value in _part(row, "peaks.").items() if "." not in name}
    return {
        **{name: row[name] for name in _FLAT},
        "shapes": json.loads(row["shapes"]),
        "samples_us": row["samples_us"],
        "kernels": json.loads(row["kernels"]),
        "graph": _part(row, "graph."),
        "load": loads,
        "peaks": {"provider": row["provider"], "flops_per_s": rates, **peaks} if peaks else None,
    }


def _part(row: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Columns with a prefix, without it, as far as the row has them."""
    size = len(prefix)
    return {
        name[size:]: value
        for name, value in row.items()
        if name.startswith(prefix) and value is not None
    }


def _columns(row: Measurement) -> Iterator[tuple[str, Any]]:
    for name in _FLAT:
        yield name, getattr(row, name)
    yield "shapes", json.dumps(row.shapes, sort_keys=True)
    yield "median_us", float(row.median_us)
    yield "samples_us", list(row.samples_us)
    for name, value in row.graph.items():
        yield f"graph.{name}", float(value)
    yield "kernels", json.dumps(row.kernels)
    load = row.to_dict()["load"]
    neighbours = load.pop("neighbours")
    yield "load.neighbours", json.dumps(neighbours, sort_keys=True)
    for name, value in load.items():
        yield f"load.{name}", value
    if row.peaks is not None:
        yield "peaks.bytes_per_s", float(row.peaks.bytes_per_s)
        yield "peaks.launch_ns", row.peaks.launch_ns
        yield "peaks.node_ns", row.peaks.node_ns
        yield "peaks.pace_ns", row.peaks.pace_ns
        for name, rate in sorted(row.peaks.flops_per_s.items()):
            yield f"peaks.flops_per_s.{name}", float(rate)


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise Unavailable("Parquet needs pyarrow: pip install 'fjord-scheduler[cost]'") from error
    return pyarrow, pyarrow.parquet

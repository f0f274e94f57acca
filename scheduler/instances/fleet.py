"""Fleets as arrays: operations on kinds of machines, with many machines of each kind.

The docstring of `scheduler.solvers.fleets` gives the reason; ``docs/solving.md`` lists the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.instances.reading import MAX_MACHINES, refuse
from scheduler.solvers.building import build, modes_from_table
from scheduler.solvers.fleets import Fleet

Columns = Mapping[str, NDArray[Any]]
MAX_US = 2**40
"""Longest time, two weeks; a million of them still sum up in 64 bits."""


def fleet_of(columns: Columns) -> Fleet:
    """Read a fleet from its arrays.

    Raises
    ------
    InvalidInstance
        With the array and what is wrong with it.
    InvalidProblem
        If edges form a cycle.
    """
    table = _integers(columns, "duration_us", dimensions=2, most=MAX_US)
    operations, kinds = table.shape
    if not operations or not (table > 0).any(axis=1).all():
        refuse("duration_us", "must have a kind with a duration for each operation")
    many = _integers(columns, "machines", dimensions=1, most=MAX_MACHINES)
    if len(many) != kinds or not many.all() or many.sum() > MAX_MACHINES:
        law = f"must have a number >= 1 per kind, {MAX_MACHINES} in all, for {kinds} kinds"
        refuse("machines", law, many.tolist()[:9])
    source, target = (_ends(columns, name, operations) for name in ("source", "target"))
    if len(source) != len(target):
        refuse("target", f"must be as long as source, {len(source)}", len(target))
    more = {}
    if "edge_us" in columns:
        more["edge_us"] = _shaped(columns, "edge_us", source.shape)
    if "link_latency_us" in columns:
        more["link_latency_us"] = _shaped(columns, "link_latency_us", (kinds, kinds))
    form = build(modes_from_table(table), machines=kinds, sources=source, targets=target, **more)
    return Fleet(form, np.concatenate(([0], np.cumsum(many))).astype(np.int32))


def _ends(columns: Columns, name: str, operations: int) -> NDArray[Any]:
    if name not in columns:
        return np.zeros(0, np.int64)
    return _integers(columns, name, dimensions=1, most=operations - 1)


def _shaped(columns: Columns, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    found = _integers(columns, name, dimensions=len(shape), most=MAX_US)
    if found.shape != shape:
        refuse(name, f"must have the shape {shape}", found.shape)
    return found


def _integers(columns: Columns, name: str, *, dimensions: int, most: int) -> NDArray[Any]:
    if name not in columns:
        refuse(name, f"must be there; got {', '.join(sorted(columns)) or 'nothing'}")
    found = np.asarray(columns[name])
    if found.dtype.kind not in "iu" or found.ndim != dimensions:
        law = f"must have integers in {dimensions} dimensions"
        refuse(name, law, f"{found.dtype} in {found.ndim}")
    if found.size and not 0 <= int(found.min()) <= int(found.max()) <= most:
        refuse(name, f"must be 0 to {most}", f"{found.min()} to {found.max()}")
    return found

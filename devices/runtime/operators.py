"""Times of the operators of a model, from ONNX Runtime's own profiler."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from devices.catalogue import Provider
from devices.runtime.canary import Values
from devices.runtime.session import open_session
from scheduler.model.messages import OperatorTime

RUNS = 5
"""Warm runs to take the mean of: a kernel's time is given in whole microseconds."""
MOST_OPERATORS = 5_000
"""Rows that are kept, the longest of them: a report is one message."""

_SUFFIXES = ("_kernel_time", "_nchwc")
_PREFIX = "OV::"
_Event = dict[str, Any]


def operator_times(
    path: Path, row: Provider, inputs: Values, *, runs: int = RUNS
) -> tuple[tuple[OperatorTime, ...], str]:
    """Time per operator in the order they run, and a remark for the reader.

    The session is made for this and ended: one that writes such a file is slower than others.

    Raises
    ------
    ProviderRefused
        If the provider is unusable or fails on the model.
    RunFailed
        If the model raised.
    """
    with TemporaryDirectory(prefix="fjord-operators-") as folder:
        shapes = {name: value.shape for name, value in inputs.items()}
        session = open_session(path, row, shapes=shapes, trace=Path(folder) / "trace")
        for _ in range(1 + runs):
            session.run(inputs)
        events: list[_Event] = json.loads(session.end_trace().read_text())
    return summarise(events, runs)


def summarise(events: Iterable[_Event], runs: int) -> tuple[tuple[OperatorTime, ...], str]:
    """Mean time per operator of the last `runs` runs of a trace, and a note for its reader.

    Examples
    --------
    >>> events = [
    ...     {"cat": "Session", "name": "model_run", "ts": 0},
    ...     {"cat": "Node", "name": "mul_kernel_time", "ts": 1, "dur": 7,
    ...      "args": {"op_name": "Mul", "provider": "CPUExecutionProvider"}},
    ... ]
    >>> summarise(events, 1)[0][0].kernel_ns
    7000
    """
    events = list(events)
    starts = sorted(event["ts"] for event in events if event["name"] == "model_run")
    warm_us = starts[-runs] if len(starts) >= runs else 0
    found = [e for e in events if e["ts"] >= warm_us and e.get("cat") in ("Node", "Kernel")]
    inner = [event for event in found if event["cat"] == "Kernel"]
    opened = {event["args"].get("parent_ort_event_name") for event in inner}
    nodes = [e for e in found if e["cat"] == "Node" and e["name"] not in opened]
    nodes = [event for event in nodes if event["name"].endswith(_SUFFIXES[0])]
    rows = _mean(sorted([*nodes, *inner], key=lambda event: int(event["ts"])), runs)
    return _longest(rows), _note(nodes, inner, len(rows))


def _mean(events: Iterable[_Event], runs: int) -> list[OperatorTime]:
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for event in events:
        key = _identity(event)
        total_us, count = sums.get(key, (0, 0))
        sums[key] = (total_us + int(event["dur"]), count + 1)
    return [
        OperatorTime(
            name=name,
            op_type=op_type,
            provider=provider,
            kernel_ns=total_us * 1_000 // runs,
            calls=max(1, round(count / runs)),
        )
        for (name, op_type, provider), (total_us, count) in sums.items()
    ]


def _identity(event: _Event) -> tuple[str, str, str]:
    args = event["args"]
    op_type = args.get("op_name") or args.get("ov_node_type") or ""
    name = event["name"].removeprefix(_PREFIX)
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name, op_type, args.get("provider") or args.get("ep") or ""


def _longest(rows: list[OperatorTime]) -> tuple[OperatorTime, ...]:
    if len(rows) <= MOST_OPERATORS:
        return tuple(rows)
    least = sorted((row.kernel_ns for row in rows), reverse=True)[MOST_OPERATORS - 1]
    return tuple([row for row in rows if row.kernel_ns >= least][:MOST_OPERATORS])


def _note(nodes: list[_Event], inner: list[_Event], rows: int) -> str:
    compiled = {
        name for name, op_type, provider in map(_identity, nodes) if _is_piece(op_type, provider)
    }
    notes = []
    if inner:
        notes.append("the provider compiles the graph: rows are kernels of the compiled graph")
    if compiled:
        notes.append(
            f"the provider compiles the graph and tells nothing of its inside: {len(compiled)} of "
            "these rows are whole pieces of the graph"
        )
    if rows > MOST_OPERATORS:
        notes.append(f"the longest {MOST_OPERATORS} of {rows} are shown")
    return "; ".join(notes)


def _is_piece(op_type: str, provider: str) -> bool:
    """True if a node is a piece of the graph that a provider took as a whole."""
    return bool(provider) and op_type.startswith(provider)

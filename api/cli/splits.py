"""Splits of networks as the command line shows them, in the numbers and the unit of the file."""

from __future__ import annotations

import math
from typing import Any

from api.cli import output
from scheduler.instances.network import HOST, PlacementProblem
from scheduler.splitting import Answer, Goal

MOST_NUMBERS = 12
"""Nodes that a row of the table lists."""


def as_dict(network: PlacementProblem, answer: Answer, elapsed_s: float) -> dict[str, Any]:
    """Say an answer in plain data, with the keys of a schedule; a node has a place and no time."""
    rows = [
        {"operation": node.number, "machine": machine(device, answer.goal)}
        for node, device in zip(network.nodes, answer.split, strict=False)
    ]
    return {
        "status": answer.status.value,
        "objective": answer.goal.value,
        "value": answer.value,
        "bound": answer.bound if math.isfinite(answer.bound) else None,
        "gap": answer.gap,
        "elapsed_s": round(elapsed_s, 6),
        "solver": answer.solver,
        "found_by": answer.found_by,
        "schedule": rows or None,
        "trace": [[round(time_s, 6), value] for time_s, value in answer.trace],
    }


def machine(device: int, goal: Goal) -> int | str:
    """Number of an accelerator; the host, or the core of it that counts by itself."""
    if device >= 0:
        return device
    return HOST if goal is Goal.LATENCY else f"{HOST}{-device - 1}"


def headline(answer: Answer, elapsed_s: float) -> str:
    """The facts about a split in a line."""
    value = "unknown" if answer.value is None else f"{answer.value:,.4f}"
    gap = "unknown" if answer.gap is None else f"{answer.gap:.2%}"
    by = f", found by {answer.found_by}" if answer.found_by else ""
    name = answer.goal.value.replace("_", " ")
    return f"{name} {value}, bound {answer.bound:,.4f} in ms, gap {gap}{by} in {elapsed_s:.3f} s"


def show(network: PlacementProblem, answer: Answer, elapsed_s: float) -> None:
    """Print a split, with a row per device."""
    style = output.STATE_STYLES.get(answer.status.value, "yellow")
    line = headline(answer, elapsed_s)
    output.console().print(f"[{style}]{answer.status.value}[/{style}] by {answer.solver}: {line}")
    if answer.value is None:
        return
    rows = [_row(network, answer, device) for device in sorted(set(answer.split), key=_place)]
    columns = ("device", "nodes", "compute ms", "memory", "numbers")
    output.print_table(columns, rows, empty="no nodes", right=columns[1:4])


def _place(device: int) -> tuple[bool, int]:
    return device < 0, abs(device)


def _row(network: PlacementProblem, answer: Answer, device: int) -> tuple[str, ...]:
    nodes = [node for node, at in zip(network.nodes, answer.split, strict=True) if at == device]
    time = sum(node.host_time if device < 0 else node.accelerator_time or 0.0 for node in nodes)
    size = sum(node.size_bytes for node in nodes)
    held = "" if device < 0 else f"{size / max(network.memory_bytes, 1):.0%}"
    numbers = " ".join(str(node.number) for node in nodes[:MOST_NUMBERS])
    more = " ..." if len(nodes) > MOST_NUMBERS else ""
    name = machine(device, answer.goal)
    shown = f"accelerator {name}" if device >= 0 else str(name)
    return shown, f"{len(nodes):,}", f"{time:,.4f}", held, numbers + more

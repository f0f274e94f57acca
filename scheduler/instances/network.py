"""A neural network to place on accelerators and a host, in the terms of its file."""

from __future__ import annotations

from dataclasses import dataclass

HOST = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementNode:
    """A layer or operator. Times are in the unit of the file; milliseconds in all published ones.

    Parameters
    ----------
    number
        Its id in the file.
    colour
        Nodes of the same colour stay together; `None` for a colour of its own.
    cost
        Time of its output between an accelerator and the host.
    """

    number: int
    accelerator_time: float | None
    host_time: float
    size_bytes: int
    backward: bool
    colour: int | None
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementProblem:
    """A network to place; `edges` are pairs of positions in `nodes`."""

    accelerators: int
    cores: int
    memory_bytes: int
    nodes: tuple[PlacementNode, ...]
    edges: tuple[tuple[int, int], ...]

"""Measurements of boxes by their agents: speed of machines, and load beside a run.

Plain data, the same on every wire, as in `messages`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Bottleneck of a piece of work, which decides its effect on neighbours. A closed set."""

    COMPUTE = "compute"  # arithmetic: it costs its neighbours clock and shared cores
    MEMORY = "memory"  # traffic: it costs its neighbours bandwidth and cache
    MIXED = "mixed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Work of ours that runs on another machine of the same box at the same time."""

    kind: Kind
    provider: str
    cores: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Load of the box while a piece of work ran, as its agent saw it. Shares are 0 to 1.

    Parameters
    ----------
    neighbours
        Work of ours on other machines of the box.
    utilisation
        Share of the last second that the machine itself was busy.
    queue
        Operations that waited for the machine.
    foreign
        Share of all cores of the box taken by processes that are not ours.
    contention
        Share of the time left by the machine on its cores that other processes took: 1 if they run
        whenever its worker does not.
    run_queue
        Runnable threads per core of the box, ours included.
    memory_pressure
        Share of the last ten seconds in which a process waited for memory.
    memory_used
        Share of the main memory in use.
    frequency
        Clock of the machine's cores over the highest they reach; 0 if it cannot be read.
    pace_ns
        Time that a fixed short loop took on the machine's cores (`devices.sensing.pace`), in
        nanoseconds: over that of `Peaks` it tells what no counter does, such as other tenants of
        the hardware; 0 if it was not measured.
    throttled
        True if the cores were slowed down for heat or power meanwhile.
    idle_us
        Time since the machine last ran anything; 0 if it had not rested.
    is_cold
        True if the session was made for this run.
    """

    neighbours: tuple[Neighbour, ...] = ()
    utilisation: float = 0.0
    queue: int = 0
    foreign: float = 0.0
    contention: float = 0.0
    run_queue: float = 0.0
    memory_pressure: float = 0.0
    memory_used: float = 0.0
    frequency: float = 0.0
    pace_ns: int = 0
    throttled: bool = False
    idle_us: int = 0
    is_cold: bool = False


IDLE = Load()
"""Nothing else goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Peak rates of a provider on a machine, from a short micro-benchmark.

    Parameters
    ----------
    flops_per_s
        By data type (NumPy name), multiplications and additions counted apart.
    bytes_per_s
        Bandwidth of the memory, reading and writing together, beyond the caches.
    launch_ns
        Time of a run of a graph of one node that does nothing.
    node_ns
        Time that each further node adds that does nothing.
    pace_ns
        Best time of a fixed short loop meanwhile: the speed of the cores at that moment.
    """

    provider: str
    flops_per_s: dict[str, float] = field(default_factory=dict)
    bytes_per_s: float = 0.0
    launch_ns: int = 0
    node_ns: int = 0
    pace_ns: int = 0

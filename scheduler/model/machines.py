"""The site of a problem: machines, the links between their devices, and resources."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Half-open span of time ``[start_us, end_us)`` in which a machine runs nothing."""

    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A lane that runs one operation at a time.

    Parameters
    ----------
    device
        Machines of one device share its memory: a transfer between them costs nothing.
        Defaults to the machine itself.
    memory_bytes
        Memory for resident sessions and activations; ``None`` if it is not limited.
    unavailable
        Windows in which nothing may run, in ascending order, without overlap.
    family
        Family of the session that is loaded before the first operation; empty for none.
    keeps_setups
        True if loaded sessions stay: a setup is then due before the first operation of its family
        there, and never again. Otherwise each change of family needs one.
    kept
        More families that are loaded before the first operation, if setups are kept.
    exclusive
        True if it runs one operation at a time. Otherwise only resources limit the number, as on a
        host whose cores are a resource; such a machine needs no setups.
    """

    id: str
    device: str = ""
    memory_bytes: int | None = None
    unavailable: tuple[Window, ...] = ()
    family: str = ""
    exclusive: bool = True
    keeps_setups: bool = False
    kept: tuple[str, ...] = ()

    @property
    def device_id(self) -> str:
        """Device that this machine is a lane of."""
        return self.device or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Resource that modes share, beside their machine: cores, power, a budget.

    Parameters
    ----------
    capacity
        Largest sum of the demands of running operations, at any moment. Of a budget (`renewable`
        is false), largest sum over all operations of the schedule, ended ones included.
    """

    id: str
    capacity: int
    renewable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One direction of the connection between two distinct devices.

    Parameters
    ----------
    bandwidth_bytes_per_s
        Sustained rate; 0 if only the latency counts.
    """

    source: str
    target: str
    latency_us: int = 0
    bandwidth_bytes_per_s: int = 0

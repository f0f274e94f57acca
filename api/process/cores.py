"""Shares of the cores: one set aside for the service, the store and the solver, or none."""

from __future__ import annotations

import os
from dataclasses import dataclass

from api.process.children import die_with_parent
from api.process.settings import Settings
from devices.box.host import usable_cores
from scheduler.model.errors import InvalidInput

OPTION = "--control-core"


@dataclass(frozen=True, slots=True)
class Division:
    """The division of the cores.

    Parameters
    ----------
    control
        Core of the service, the store and the solver; ``None`` for any.
    others
        Cores that are left, where one is set aside.
    machines
        Cores to make machines of; ``None`` for all that the agent may use.
    """

    control: int | None = None
    others: tuple[int, ...] = ()
    machines: tuple[int, ...] | None = None

    def enter(self) -> None:
        """Pin the calling process, and with it all that it starts, where a core is set aside."""
        if self.control is not None:
            os.sched_setaffinity(0, {self.control})

    def start_agent(self) -> None:
        """Leave the core that is set aside: the first thing that an agent does."""
        die_with_parent()
        if self.others:
            os.sched_setaffinity(0, self.others)


def divide(settings: Settings, machines: tuple[int, ...] | None = None) -> Division:
    """Set the core aside that the settings name.

    Parameters
    ----------
    machines
        Cores to make machines of; ``None`` for all.

    Raises
    ------
    InvalidInput
        If there is no such core, if it is the only one, or if no machine is left.
    """
    control = settings.control_core
    if control is None:
        return Division(machines=machines)
    usable = usable_cores()
    others = tuple(core for core in usable if core != control)
    if control not in usable:
        known = ", ".join(map(str, usable))
        raise _refused(f"must be one of the cores {known}; got {control}")
    if not others:
        raise _refused(f"needs a second core, for machines; there is only core {control}")
    left = tuple(core for core in machines or others if core != control)
    if not left:
        raise _refused(f"must leave one of --cores for machines; got {control} for both")
    if not hasattr(os, "sched_setaffinity"):
        raise _refused("needs a system that pins processes to cores, such as Linux")
    return Division(control, others, left)


def _refused(law: str) -> InvalidInput:
    return InvalidInput(f"{OPTION} {law}", field="control_core")

"""Operations of runs in flight that are expected, and the machines that are kept free for them.

A fan-out whose list is not there yet is planned for and sent to nobody. The plan puts less urgent
work behind it, or before it where that is through in time. Each machine is kept free as the plan
has it, so that an agent does not begin that work in the meantime.
"""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.control.settings import BrainSettings
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.plan import Reservation
from scheduler.model.problem import Band


def keep_for(expected: Iterable[LiveOperation], settings: BrainSettings) -> list[Reservation]:
    """What is to be kept free for operations that are expected, by machine and band.

    Nobody counts on one that is late by what counts as late: the plan is made anew then.
    """
    found: dict[tuple[str, Band], Reservation] = {}
    for op in expected:
        placed = op.placement
        if placed is None or op.band is Band.BACKGROUND:
            continue
        before = found.get((placed.mode.machine, op.band))
        if before is None or placed.start_us < before.from_us:
            found[placed.mode.machine, op.band] = Reservation(
                machine=placed.mode.machine,
                workload=op.run.workload,
                band=op.band,
                from_us=placed.start_us,
                until_us=placed.start_us + settings.late_floor_us,
                is_window=False,
                run=op.run.id,
                operation=op.id,
            )
    return list(found.values())

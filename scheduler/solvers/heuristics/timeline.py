"""Building blocks of list heuristics: machine timelines and a schedule in the making."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from scheduler.model.indexed import Indexed, Option
from scheduler.model.problem import Problem
from scheduler.model.schedule import Assignment, Schedule
from scheduler.solvers.heuristics.domains import Domains


class Timeline:
    """When one machine is taken: disjoint spans in ascending order, merged where they touch.

    Merging keeps the search for a gap short, because a list schedule is dense.
    """

    __slots__ = ("ends", "last_us", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.last_us = 0

    def earliest_start_us(self, ready_us: int, duration_us: int) -> int:
        """Start of the first gap, not before `ready_us`, that is long enough."""
        ends = self.ends
        if not ends or ready_us >= ends[-1]:
            return ready_us
        starts = self.starts
        start_us = ready_us
        for i in range(bisect_right(ends, ready_us), len(ends)):
            if starts[i] - start_us >= duration_us:
                return start_us
            start_us = ends[i]
        return start_us

    def append_start_us(self, ready_us: int, duration_us: int) -> int:
        """Start of the first gap after all operations that are there."""
        return self.earliest_start_us(max(ready_us, self.last_us), duration_us)

    def occupy(self, start_us: int, end_us: int) -> None:
        """Give a span to an operation."""
        self.last_us = max(self.last_us, end_us)
        self.block(start_us, end_us)

    def block(self, start_us: int, end_us: int) -> None:
        """Take a span; spans that it overlaps or touches become one with it."""
        starts, ends = self.starts, self.ends
        first = bisect_left(ends, start_us)
        last = bisect_right(starts, end_us)
        if first < last:
            start_us = min(start_us, starts[first])
            end_us = max(end_us, ends[last - 1])
        starts[first:last] = (start_us,)
        ends[first:last] = (end_us,)


class Draft:
    """A schedule in the making: what has started is in it from the beginning.

    Parameters
    ----------
    domains
        Which devices remain for each operation; ``None`` where no choice rules out another.
    """

    __slots__ = ("devices", "domains", "ends", "form", "options", "starts", "timelines")

    def __init__(self, form: Indexed, domains: Domains | None) -> None:
        n = len(form.options)
        self.form = form
        self.domains = domains
        self.options: list[Option | None] = [None] * n
        self.devices = [-1] * n
        self.starts = [0] * n
        self.ends = [0] * n
        self.timelines = [Timeline() for _ in form.machine_devices]
        for machine, timeline in zip(form.problem.machines, self.timelines, strict=True):
            for window in machine.unavailable:
                timeline.block(window.start_us, window.end_us)
        for i, frozen in form.frozen.items():
            self._settle(i, frozen.option, frozen.start_us, frozen.end_us)

    def _settle(self, i: int, option: Option, start_us: int, end_us: int) -> None:
        self.options[i] = option
        self.devices[i] = option.device
        self.starts[i] = start_us
        self.ends[i] = end_us
        self.timelines[option.machine].occupy(start_us, end_us)

    def place(self, i: int, option: Option, start_us: int) -> None:
        """Run an operation in a mode from `start_us` on."""
        self._settle(i, option, start_us, start_us + option.duration_us)
        if self.domains is not None:
            self.domains.choose(i, option.device)

    def eligible(self, i: int) -> list[Option]:
        """Modes of an operation that no earlier choice of device has ruled out."""
        options = self.form.options[i]
        if self.domains is None:
            return options
        return [option for option in options if self.domains.allows(i, option.device)]

    def ready_us(self, i: int, device: int) -> int:
        """When an operation could start on a device: released, and all its data there."""
        form, ends, devices = self.form, self.ends, self.devices
        ready_us = form.earliest_us[i]
        for source, size_bytes in form.sources[i]:
            at_us = ends[source]
            if devices[source] != device:
                # Connected: otherwise the device would have been ruled out.
                at_us += form.transfer_us(size_bytes, devices[source], device) or 0
            if at_us > ready_us:
                ready_us = at_us
        return ready_us

    def schedule(self) -> Schedule | None:
        """Give the finished schedule; ``None`` while an operation is not placed."""
        if None in self.options:
            return None
        problem = self.form.problem
        return Schedule(assignments=tuple(self._assignments(problem)))

    def _assignments(self, problem: Problem) -> Iterable[Assignment]:
        rows = zip(problem.operations, self.options, self.starts, self.ends, strict=True)
        for operation, option, start_us, end_us in rows:
            assert option is not None
            yield Assignment(
                operation=operation.id,
                mode=option.mode,
                machine=problem.machines[option.machine].id,
                start_us=start_us,
                end_us=end_us,
            )

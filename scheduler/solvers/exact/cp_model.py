"""Variables of the constraint program: a start, an end and one optional interval per mode.

The textbook model of the flexible job shop. Operations that have started are constants. Times count
from `Model.base_us`, so that epoch times do not widen the domains. Constraints are listed in
`constraints`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from ortools.sat.python import cp_model
from ortools.sat.python.cp_model_helper import Literal

from scheduler.solvers.arrays import OPEN, Arrays, Solution
from scheduler.solvers.exact.frame import Frame

Linear = cp_model.LinearExpr | int
Interval = cp_model.IntervalVar


class Values(Protocol):
    """An engine, or its callback, that knows the values of a solution."""

    def value(self, expression: Linear) -> int:
        """Give the value of an expression."""
        ...

    def boolean_value(self, literal: Literal) -> bool:
        """Give the value of a literal."""
        ...


class Interrupted(Exception):
    """The search was over before the model was complete."""


class Model:
    """Variables of one problem, and a plan in and out of them.

    The modules beside this one add constraints and the objective; `constraints` lists them.

    Parameters
    ----------
    stopped
        Asked now and then; building ends with `Interrupted` once it answers true.
    """

    def __init__(
        self,
        form: Arrays,
        frame: Frame,
        *,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.form, self.frame, self.stopped = form, frame, stopped
        self.cp = cp_model.CpModel()
        self.always: Literal = self.cp.new_constant(1)
        self.open: list[int] = np.flatnonzero(form.state == OPEN).tolist()
        first_us = min((frame.first_us[i] for i in self.open), default=form.now_us)
        # Time before the base is left out. The longest setup before the first start is kept, so
        # that everything in the way of a setup stays in the model.
        self.base_us = max(form.now_us, first_us - int(form.mode_setup_us.max(initial=0)))
        self.starts: dict[int, Linear] = {}
        self.ends: dict[int, Linear] = {}
        self.present: dict[int, Literal] = {}
        self.intervals: dict[int, Interval] = {}
        self.on: dict[int, dict[int, Literal]] = {}
        self._read_columns()
        for i in self.open:
            self.pause()
            self._add_operation(i)

    def _read_columns(self) -> None:
        """Turn columns into lists: reading one number of an array takes ten times as long."""
        form = self.form
        self.mode_us: list[int] = form.mode_us.tolist()
        self.mode_p95_us: list[int] = form.mode_p95_us.tolist()
        self.mode_machine: list[int] = form.mode_machine.tolist()
        self.mode_device: list[int] = form.machine_device[form.mode_machine].tolist()
        self.latency_us: list[list[int]] = form.link_latency_us.tolist()
        self.rate: list[list[int]] = form.link_rate.tolist()
        self.state: list[int] = form.state.tolist()
        self.frozen_start_us: list[int] = form.frozen_start_us.tolist()
        self.frozen_end_us: list[int] = form.frozen_end_us.tolist()

    def pause(self) -> None:
        """End the building with `Interrupted` if the search is over."""
        if self.stopped():
            raise Interrupted

    def refuse(self) -> None:
        """Make the model infeasible."""
        self.cp.add_bool_or([])

    def _add_operation(self, i: int) -> None:
        """Add one start, one end and exactly one mode of an operation."""
        modes = self.frame.modes[i]
        first_us = self.frame.first_us[i] - self.base_us
        end_us = self.frame.last_end_us[i] - self.base_us
        if not modes:
            # Placeholders, so that later constraints on this operation still resolve.
            self.refuse()
            self.starts[i] = self.ends[i] = first_us
            self.on[i] = {}
            return
        shortest_us = min(self.mode_us[k] for k in modes)
        if end_us < first_us + shortest_us:
            # Too little time. Infeasible, with a domain that is not empty: the engine takes none.
            self.refuse()
            end_us = first_us + max(self.mode_us[k] for k in modes)
        start = self.cp.new_int_var(first_us, end_us - shortest_us, "")
        self.starts[i] = start
        if all(self.mode_us[k] == shortest_us for k in modes):
            self.ends[i] = start + shortest_us
        else:
            self.ends[i] = self.cp.new_int_var(first_us + shortest_us, end_us, "")
        single = len(modes) == 1
        for k in modes:
            literal = self.always if single else self.cp.new_bool_var("")
            self.present[k] = literal
            self._add_mode(i, k)
        if not single:
            self.cp.add_exactly_one([self.present[k] for k in modes])
        self.on[i] = self._device_literals(modes)

    def _add_mode(self, i: int, k: int) -> None:
        """Add an interval of the mode's own size, and tie the common end of the operation to it.

        Intervals that share a start and an end of their own make OR-Tools (9.11 to 9.15) prove
        optima that are none: with 5 operations on 3 machines 13 seeds of 32 proved 9 where 8 is
        possible. In this form none of 2,280 runs near such problems did.
        """
        start, us, literal = self.starts[i], self.mode_us[k], self.present[k]
        self.intervals[k] = self.cp.new_optional_fixed_size_interval_var(start, us, literal, "")
        if isinstance(self.ends[i], cp_model.IntVar):
            self.cp.add(self.ends[i] == start + us).only_enforce_if(literal)

    def _device_literals(self, modes: list[int]) -> dict[int, Literal]:
        """Per device, a literal that the operation is on it: its only mode there, or their sum."""
        rows: dict[int, list[Literal]] = {}
        for k in modes:
            rows.setdefault(self.mode_device[k], []).append(self.present[k])
        if len(rows) == 1:
            return dict.fromkeys(rows, self.always)
        literals = {}
        for device, found in rows.items():
            literals[device] = found[0]
            if len(found) > 1:
                literals[device] = self.cp.new_bool_var("")
                self.cp.add(literals[device] == sum(found))
        return literals

    # --- read by constraints

    def start(self, i: int) -> Linear:
        """Start of an operation, from the base on."""
        return self.starts[i] if i in self.starts else self.frozen_start_us[i] - self.base_us

    def end(self, i: int) -> Linear:
        """End of an operation, from the base on."""
        return self.ends[i] if i in self.ends else self.frozen_end_us[i] - self.base_us

    def places(self, i: int) -> dict[int, Literal]:
        """Devices that an operation may be on, each with its literal."""
        if i in self.on:
            return self.on[i]
        return {self.mode_device[int(self.form.mode_first[i])]: self.always}

    def fixed_interval(self, start_us: int, end_us: int) -> Interval:
        """Add an interval that is taken in every plan, from the base on."""
        return self.cp.new_fixed_size_interval_var(start_us, end_us - start_us, "")

    # --- plans in and out

    def hint(self, solution: Solution) -> None:
        """Start the search from a plan."""
        starts_us, modes = solution.start_us.tolist(), solution.mode.tolist()
        for i in self.open:
            if len(self.frame.modes[i]) > 1:
                for k in self.frame.modes[i]:
                    self.cp.add_hint(self.present[k], k == modes[i])
            start, end = self.starts[i], self.ends[i]
            if isinstance(start, cp_model.IntVar):
                self.cp.add_hint(start, starts_us[i] - self.base_us)
            if isinstance(end, cp_model.IntVar):
                self.cp.add_hint(end, starts_us[i] + self.mode_us[modes[i]] - self.base_us)

    def solution(self, engine: Values) -> Solution:
        """Read the plan that the engine found."""
        mode = self.form.mode_first[:-1].copy()
        start_us = self.form.frozen_start_us.copy()
        for i in self.open:
            start_us[i] = engine.value(self.starts[i]) + self.base_us
            modes = self.frame.modes[i]
            mode[i] = next(k for k in modes if engine.boolean_value(self.present[k]))
        return Solution(mode, start_us)

"""The problem as a constraint program: one optional interval per mode.

The textbook model of the flexible job shop, with everything that a `Problem` can have. Operations
that have started are constants. Times count from `Model.base_us`, so that epoch times do not widen
the domains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from ortools.sat.python import cp_model
from ortools.sat.python.cp_model_helper import Literal

from scheduler.solvers.arrays import NEVER_US, OPEN, Arrays, Solution
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
    """Variables, modes, transfers, groups and deadlines of one problem.

    Machines, resources and the objective are added by the modules beside this one.

    Parameters
    ----------
    soft
        Whether deadlines may be missed, because the objective counts them.
    stopped
        Asked now and then; building ends with `Interrupted` once it answers true.
    """

    def __init__(
        self,
        form: Arrays,
        frame: Frame,
        *,
        soft: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.form, self.frame, self.stopped = form, frame, stopped
        self.cp = cp_model.CpModel()
        self.always: Literal = self.cp.new_constant(1)
        self.open: list[int] = np.flatnonzero(form.state == OPEN).tolist()
        first_us = min((frame.first_us[i] for i in self.open), default=form.now_us)
        # What comes before the base is left out: it must not hide what is in the way of a setup.
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
        self._add_edges()
        self._add_colocation()
        if not soft:
            self._add_deadlines()

    def _read_columns(self) -> None:
        """Lists: reading one number of an array takes the interpreter ten times as long."""
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
        """Look whether the search is over."""
        if self.stopped():
            raise Interrupted

    def refuse(self) -> None:
        """Let no plan keep the rules."""
        self.cp.add_bool_or([])

    def _add_operation(self, i: int) -> None:
        """One start, one end, exactly one mode."""
        modes = self.frame.modes[i]
        first_us = self.frame.first_us[i] - self.base_us
        end_us = self.frame.last_end_us[i] - self.base_us
        if not modes:
            # Whatever else is said of it has to speak of something.
            self.refuse()
            self.starts[i] = self.ends[i] = first_us
            self.on[i] = {}
            return
        shortest_us = min(self.mode_us[k] for k in modes)
        if end_us < first_us + shortest_us:
            # Too little time; the engine takes no empty domains.
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
        """An interval of the mode's own size, and beside it the end that operations share.

        Intervals that share a start and an end of their own make OR-Tools (9.11 to 9.15) prove
        optima that are none: with 5 operations on 3 machines 13 seeds of 32 proved 9 where 8 is
        possible. In this form none of 2,280 runs near such problems did.
        """
        start, us, literal = self.starts[i], self.mode_us[k], self.present[k]
        self.intervals[k] = self.cp.new_optional_fixed_size_interval_var(start, us, literal, "")
        if isinstance(self.ends[i], cp_model.IntVar):
            self.cp.add(self.ends[i] == start + us).only_enforce_if(literal)

    def _device_literals(self, modes: list[int]) -> dict[int, Literal]:
        """On which device an operation is: the literal of its only mode there, or their sum."""
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

    # --- edges

    def _add_edges(self) -> None:
        first, sources = self.form.source_first.tolist(), self.form.source_op.tolist()
        edges, edge_us = self.form.source_edge.tolist(), self.form.edge_us
        free = bool((self.form.link_latency_us == 0).all()) and edge_us.shape[1] == 1
        for target in range(len(self.state)):
            # What has started is history; what is pinned to the future is not.
            if self.state[target] != OPEN and self.frozen_start_us[target] <= self.form.now_us:
                continue
            self.pause()
            for e in range(first[target], first[target + 1]):
                source = sources[e]
                if self.state[target] != OPEN and self.state[source] != OPEN:
                    continue
                if free:
                    self.cp.add(self.start(target) >= self.end(source))
                else:
                    self._add_edge(source, target, edge_us[edges[e]].tolist())

    def start(self, i: int) -> Linear:
        """When an operation starts, from the base on."""
        return self.starts[i] if i in self.starts else self.frozen_start_us[i] - self.base_us

    def end(self, i: int) -> Linear:
        """When an operation ends, from the base on."""
        return self.ends[i] if i in self.ends else self.frozen_end_us[i] - self.base_us

    def places(self, i: int) -> dict[int, Literal]:
        """Each device that an operation may be on, with the literal that says so."""
        if i in self.on:
            return self.on[i]
        return {self.mode_device[int(self.form.mode_first[i])]: self.always}

    def _add_edge(self, source: int, target: int, edge_us: list[int]) -> None:
        """After the source has ended and, between devices, its bytes have come over."""
        here, there = self.places(source), self.places(target)
        lags_us = {(a, b): self._lag_us(edge_us, a, b) for a in here for b in there}
        least_us = min((lag_us for lag_us in lags_us.values() if lag_us >= 0), default=None)
        if least_us is None:
            self.refuse()
            return
        end, start = self.end(source), self.start(target)
        self.cp.add(start >= end + least_us)
        for b, on_target in there.items():
            row = {a: lags_us[a, b] for a in here}
            for a, lag_us in row.items():
                if lag_us < 0:
                    self.cp.add_bool_or([here[a].negated(), on_target.negated()])
            for lag_us in sorted(set(row.values())):
                if lag_us > least_us:
                    for where in _at_least(row, here, lag_us):
                        later = self.cp.add(start >= end + lag_us)
                        later.only_enforce_if([on_target, *where])

    def _lag_us(self, edge_us: list[int], here: int, there: int) -> int:
        latency_us = self.latency_us[here][there]
        return latency_us if latency_us < 0 else latency_us + edge_us[self.rate[here][there]]

    # --- groups and deadlines

    def _add_colocation(self) -> None:
        """All of a group are where the first of it is."""
        first: dict[int, int] = {}
        for i, group in enumerate(self.form.group.tolist()):
            if group < 0:
                continue
            home = first.setdefault(group, i)
            if home == i:
                continue
            here, there = self.places(home), self.places(i)
            for device in {**here, **there}:
                if device in here and device in there:
                    self.cp.add_implication(here[device], there[device])
                    self.cp.add_implication(there[device], here[device])
                else:
                    self.cp.add_bool_or([(here | there)[device].negated()])

    def _add_deadlines(self) -> None:
        """Each mode, even if it takes its 95th percentile, ends by the deadline."""
        for i in self.open:
            deadline_us = int(self.form.job_deadline_us[self.form.job[i]])
            if deadline_us >= NEVER_US:
                continue
            for k in self.frame.modes[i]:
                if self.mode_p95_us[k] > self.mode_us[k]:
                    last_us = deadline_us - self.mode_p95_us[k] - self.base_us
                    self.cp.add(self.starts[i] <= last_us).only_enforce_if(self.present[k])

    # --- in and out

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


def _at_least(
    row: dict[int, int], literals: dict[int, Literal], lag_us: int
) -> Iterator[list[Literal]]:
    """Conditions on the source that together say: its bytes take that long, or longer.

    One, that it is on none of the nearer devices, where these are few: on the usual network, where
    only staying is free, a target's device then needs one constraint and not one per source.
    """
    nearer = [literals[a] for a, other_us in row.items() if 0 <= other_us < lag_us]
    equal = [literals[a] for a, other_us in row.items() if other_us == lag_us]
    if len(nearer) <= len(equal):
        yield [literal.negated() for literal in nearer]
    else:
        for literal in equal:
            yield [literal]

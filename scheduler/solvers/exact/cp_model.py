"""The problem as a constraint program: one optional interval per mode.

The textbook model of the flexible job shop with transfers. Operations that have started are
constants. Times count from `Model.base_us`, so that epoch times do not widen the domains.
"""

from __future__ import annotations

from collections.abc import Iterator

from ortools.sat.python import cp_model

from scheduler.model.bounds import lower_bound
from scheduler.model.indexed import Indexed
from scheduler.model.objectives import horizon_us
from scheduler.model.schedule import Assignment, Schedule

Literal = cp_model.IntVar
Linear = cp_model.LinearExprT


class Model:
    """Variables and constraints of one problem; an objective is added by one of two methods.

    Parameters
    ----------
    latest_us
        No end is later than this.
    """

    def __init__(self, form: Indexed, *, latest_us: int | None = None) -> None:
        self.form = form
        self.cp = cp_model.CpModel()
        self.horizon_us = horizon_us(form.problem) if latest_us is None else latest_us
        self.open = [i for i in form.order if i not in form.frozen]
        self.base_us = min([form.earliest_us[i] for i in self.open], default=0)
        self.starts: dict[int, Literal] = {}
        self.ends: dict[int, Linear] = {}
        self.present: dict[int, dict[int, Literal]] = {}
        self.devices: dict[int, dict[int, Literal]] = {}
        for i in self.open:
            self._add_operation(i)
        self._add_machines()
        for target in self.open:
            for source, size_bytes in form.sources[target]:
                self._add_edge(source, target, size_bytes)
        self._add_colocation()
        self._add_deadlines()

    def _add_operation(self, i: int) -> None:
        """One start, one end, exactly one mode."""
        first_us, last_us = self.form.earliest_us[i] - self.base_us, self.horizon_us - self.base_us
        # Without a mode, or with a release after the horizon, the empty clause says it all.
        options = self.form.options[i]
        self.starts[i] = self.cp.new_int_var(min(first_us, last_us), last_us, f"start {i}")
        self.cp.add(self.starts[i] >= first_us)
        self.present[i] = {
            option.mode: self.cp.new_bool_var(f"mode {i} {option.mode}") for option in options
        }
        self.cp.add_exactly_one(self.present[i].values())
        self.ends[i] = self.starts[i] + sum(
            option.duration_us * self.present[i][option.mode] for option in options
        )
        self.cp.add(self.ends[i] <= last_us)
        self.devices[i] = self._device_literals(i)

    def _device_literals(self, i: int) -> dict[int, Literal]:
        """On which device an operation is: the literal of its only mode there, or their sum."""
        modes: dict[int, list[Literal]] = {}
        for option in self.form.options[i]:
            modes.setdefault(option.device, []).append(self.present[i][option.mode])
        literals = {}
        for device, found in modes.items():
            literals[device] = found[0]
            if len(found) > 1:
                literals[device] = self.cp.new_bool_var(f"device {i} {device}")
                self.cp.add(literals[device] == sum(found))
        return literals

    def _add_machines(self) -> None:
        """Nothing overlaps on a machine: operations, windows, what runs now."""
        lanes: list[list[cp_model.IntervalVar]] = [[] for _ in self.form.machine_devices]
        for i in self.open:
            for option in self.form.options[i]:
                interval = self.cp.new_optional_fixed_size_interval_var(
                    self.starts[i],
                    option.duration_us,
                    self.present[i][option.mode],
                    f"interval {i} {option.mode}",
                )
                lanes[option.machine].append(interval)
        for machine, lane in enumerate(lanes):
            for start_us, end_us in self._taken(machine):
                interval = self.cp.new_fixed_size_interval_var(start_us, end_us - start_us, "taken")
                lane.append(interval)
            self.cp.add_no_overlap(lane)

    def _taken(self, machine: int) -> list[tuple[int, int]]:
        """Spans from the base on that a machine cannot give, merged: history may overlap."""
        spans = [
            (window.start_us, window.end_us)
            for window in self.form.problem.machines[machine].unavailable
        ]
        spans += [
            (frozen.start_us, frozen.end_us)
            for frozen in self.form.frozen.values()
            if frozen.option.machine == machine
        ]
        merged: list[tuple[int, int]] = []
        for start_us, end_us in sorted(spans):
            first_us, last_us = max(start_us - self.base_us, 0), end_us - self.base_us
            if merged and first_us <= merged[-1][1]:
                first_us, last_us = merged[-1][0], max(merged.pop()[1], last_us)
            if last_us > first_us:
                merged.append((first_us, last_us))
        return merged

    def _add_edge(self, source: int, target: int, size_bytes: int) -> None:
        """After the source has ended and, between devices, its bytes have come over."""
        end = self._end(source)
        self.cp.add(self.starts[target] >= end)
        for here, on_source in self._devices(source):
            for there, on_target in self._devices(target):
                transfer_us = self.form.transfer_us(size_bytes, here, there)
                both = [*on_source, *on_target]
                if transfer_us is None:
                    self.cp.add_bool_or([literal.negated() for literal in both])
                elif transfer_us:
                    later = self.cp.add(self.starts[target] >= end + transfer_us)
                    later.only_enforce_if(both)

    def _end(self, i: int) -> Linear:
        frozen = self.form.frozen.get(i)
        return self.ends[i] if frozen is None else frozen.end_us - self.base_us

    def _devices(self, i: int) -> Iterator[tuple[int, list[Literal]]]:
        """Each device an operation may be on, with what says so: nothing if it has started."""
        frozen = self.form.frozen.get(i)
        if frozen is not None:
            yield frozen.option.device, []
            return
        for device, literal in self.devices[i].items():
            yield device, [literal]

    def _add_colocation(self) -> None:
        """All of a group are where the first of it is."""
        first: dict[str, int] = {}
        for i, operation in enumerate(self.form.problem.operations):
            if not operation.colocation:
                continue
            home = first.setdefault(operation.colocation, i)
            for here, on_home in self._devices(home):
                for there, on_other in self._devices(i):
                    if here != there:
                        both = [*on_home, *on_other]
                        self.cp.add_bool_or([literal.negated() for literal in both])

    def _add_deadlines(self) -> None:
        """Each mode, even if it takes its 95th percentile, ends by the deadline."""
        for i, operation in enumerate(self.form.problem.operations):
            deadline_us = self.form.problem.job(operation.job).deadline_us
            if deadline_us is None:
                continue
            if i in self.form.frozen:
                self._add_frozen_deadline(i, deadline_us)
                continue
            for option in self.form.options[i]:
                last_us = deadline_us - operation.modes[option.mode].p95_us - self.base_us
                in_time = self.cp.add(self.starts[i] <= last_us)
                in_time.only_enforce_if(self.present[i][option.mode])

    def _add_frozen_deadline(self, i: int, deadline_us: int) -> None:
        frozen = self.form.frozen[i]
        p95_us = self.form.problem.operations[i].modes[frozen.option.mode].p95_us
        late_us = frozen.end_us
        if not frozen.ended:
            late_us = max(late_us, frozen.start_us + p95_us)
        if late_us > deadline_us:
            self.cp.add_bool_or([])

    def minimise_makespan(self) -> None:
        """Latest end over all operations."""
        least_us = lower_bound(self.form) - self.base_us
        # The bound also holds for what has started: its ends are constants below it.
        most_us = max(self.horizon_us - self.base_us, least_us)
        makespan = self.cp.new_int_var(least_us, most_us, "makespan")
        for i in self.open:
            if not any(target in self.ends for target, _ in self.form.targets[i]):
                self.cp.add(makespan >= self.ends[i])
        self._add_loads(makespan)
        self.cp.minimize(makespan + self.base_us)

    def _add_loads(self, makespan: Literal) -> None:
        """Redundant: all that a machine does from its first start on fits before the end.

        It follows from the rest, but only this form lets the linear relaxation share the load.
        """
        for machine in range(len(self.form.machine_devices)):
            lane = [
                (i, option)
                for i in self.open
                for option in self.form.options[i]
                if option.machine == machine
            ]
            first_us = min([self.form.earliest_us[i] for i, _ in lane], default=self.base_us)
            load = sum(option.duration_us * self.present[i][option.mode] for i, option in lane)
            self.cp.add(makespan >= load + (first_us - self.base_us))

    def minimise_weighted_tardiness(self) -> None:
        """Sum over jobs of weight x tardiness."""
        terms: list[Linear] = []
        for job in self.form.problem.jobs:
            if job.due_us is None:
                continue
            tardiness = self.cp.new_int_var(0, max(self.horizon_us, job.due_us), job.id)
            for i, operation in enumerate(self.form.problem.operations):
                if operation.job == job.id:
                    self.cp.add(tardiness >= self._end(i) + (self.base_us - job.due_us))
            terms.append(job.weight * tardiness)
        self.cp.minimize(sum(terms))

    def hint(self, schedule: Schedule) -> None:
        """Start the search from a schedule."""
        for i in self.open:
            placed = schedule[self.form.problem.operations[i].id]
            self.cp.add_hint(self.starts[i], placed.start_us - self.base_us)
            for mode, literal in self.present[i].items():
                self.cp.add_hint(literal, mode == placed.mode)

    def schedule(self, solver: cp_model.CpSolver) -> Schedule:
        """Read the schedule that the engine found."""
        return Schedule(
            assignments=tuple(self._assignment(solver, i) for i in range(len(self.form.options)))
        )

    def _assignment(self, solver: cp_model.CpSolver, i: int) -> Assignment:
        operation = self.form.problem.operations[i]
        frozen = self.form.frozen.get(i)
        if frozen is not None:
            mode, start_us, end_us = frozen.option.mode, frozen.start_us, frozen.end_us
        else:
            mode = next(m for m, p in self.present[i].items() if solver.boolean_value(p))
            start_us = solver.value(self.starts[i]) + self.base_us
            end_us = start_us + operation.modes[mode].duration_us
        return Assignment(
            operation=operation.id,
            mode=mode,
            machine=operation.modes[mode].machine,
            start_us=start_us,
            end_us=end_us,
        )

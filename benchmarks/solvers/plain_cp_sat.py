"""The model that a user would write: OR-Tools' example of a flexible job shop, line by line.

Modelled after ``examples/python/flexible_job_shop_sat.py`` of OR-Tools: a main interval per
operation, an optional copy per alternative, linked by implications; one no-overlap per machine; the
sum of the longest durations as horizon. Features that the example lacks are added in the most
direct way: arcs of a graph, a cumulative per resource, transfer times between chosen alternatives.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import product

from ortools.sat.python import cp_model

from benchmarks.solvers.cp_sat import run
from benchmarks.solvers.outcome import Budget, Outcome, placed, refuse_beyond_rcpsp
from scheduler.model.objectives import Objective
from scheduler.model.problem import Edge, Job, Operation, Problem
from scheduler.model.schedule import Schedule


@dataclass
class _Model:
    problem: Problem
    objective: Objective = Objective.MAKESPAN
    model: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    starts: dict[str, cp_model.IntVar] = field(default_factory=dict)
    ends: dict[str, cp_model.IntVar] = field(default_factory=dict)
    presences: dict[tuple[str, int], cp_model.IntVar] = field(default_factory=dict)
    on_machine: dict[str, list[cp_model.IntervalVar]] = field(default_factory=dict)
    demands: dict[str, list[tuple[cp_model.IntervalVar, int]]] = field(default_factory=dict)

    def build(self) -> None:
        horizon = sum(self._longest(op) for op in self.problem.operations)
        if self.problem.links:
            horizon += sum(self._slowest(edge) for edge in self.problem.edges)
        for operation in self.problem.operations:
            self._add(operation, horizon)
        for edge in self.problem.edges:
            self._precede(edge)
        for machine in self.problem.machines:
            intervals = self.on_machine.get(machine.id, [])
            if machine.exclusive and len(intervals) > 1:
                self.model.add_no_overlap(intervals)
        self._limit()
        if self.objective is Objective.MAKESPAN:
            makespan = self.model.new_int_var(0, horizon, "makespan")
            self.model.add_max_equality(makespan, list(self.ends.values()))
            self.model.minimize(makespan)
        else:
            self.model.minimize(sum(self._cost(job, horizon) for job in self.problem.jobs))

    def _cost(self, job: Job, horizon: int) -> cp_model.LinearExprT:
        """The term of a job in an objective that is a sum over jobs."""
        name = f"{self.objective}_{job.id}"
        ends = [self.ends[one.id] for one in self.problem.operations if one.job == job.id]
        if self.objective is Objective.DEADLINE_MISSES:
            late = self.model.new_bool_var(name)
            for end in ends:
                self.model.add(end <= (job.deadline_us or 0)).only_enforce_if(late.Not())
            return late
        due_us = (job.due_us or 0) if self.objective is Objective.WEIGHTED_TARDINESS else 0
        tardiness = self.model.new_int_var(0, horizon, name)
        for end in ends:
            self.model.add(tardiness >= end - due_us)
        return job.weight * tardiness

    def _longest(self, operation: Operation) -> int:
        return max(mode.duration_us for mode in operation.modes)

    def _slowest(self, edge: Edge) -> int:
        links = self.problem.links
        return max(self.problem.transfer_us(edge, link.source, link.target) for link in links)

    def _add(self, operation: Operation, horizon: int) -> None:
        model, name = self.model, operation.id
        durations = [mode.duration_us for mode in operation.modes]
        start = model.new_int_var(0, horizon, f"start_{name}")
        duration = model.new_int_var(min(durations), max(durations), f"duration_{name}")
        end = model.new_int_var(0, horizon, f"end_{name}")
        interval = model.new_interval_var(start, duration, end, f"interval_{name}")
        self.starts[name], self.ends[name] = start, end
        if len(operation.modes) == 1:
            self.presences[name, 0] = model.new_constant(1)
            self._take(operation, 0, interval)
            return
        for index, mode in enumerate(operation.modes):
            suffix = f"{name}_{index}"
            presence = model.new_bool_var(f"presence_{suffix}")
            l_start = model.new_int_var(0, horizon, f"start_{suffix}")
            l_end = model.new_int_var(0, horizon, f"end_{suffix}")
            l_interval = model.new_optional_interval_var(
                l_start, mode.duration_us, l_end, presence, f"interval_{suffix}"
            )
            model.add(start == l_start).only_enforce_if(presence)
            model.add(duration == mode.duration_us).only_enforce_if(presence)
            model.add(end == l_end).only_enforce_if(presence)
            self.presences[name, index] = presence
            self._take(operation, index, l_interval)
        model.add_exactly_one(self.presences[name, k] for k in range(len(operation.modes)))

    def _take(self, operation: Operation, index: int, interval: cp_model.IntervalVar) -> None:
        mode = operation.modes[index]
        self.on_machine.setdefault(mode.machine, []).append(interval)
        for demand in mode.demands:
            self.demands.setdefault(demand.resource, []).append((interval, demand.amount))

    def _precede(self, edge: Edge) -> None:
        self.model.add(self.starts[edge.target] >= self.ends[edge.source])
        if not self.problem.links:
            return
        sources, targets = (self.problem.operation(i).modes for i in (edge.source, edge.target))
        for (i, a), (j, b) in product(enumerate(sources), enumerate(targets)):
            both = [self.presences[edge.source, i], self.presences[edge.target, j]]
            ends = [self.problem.machine(mode.machine).device_id for mode in (a, b)]
            if not self.problem.connected(*ends):
                self.model.add_bool_or(presence.Not() for presence in both)
            elif transfer_us := self.problem.transfer_us(edge, *ends):
                later = self.starts[edge.target] >= self.ends[edge.source] + transfer_us
                self.model.add(later).only_enforce_if(both)

    def _limit(self) -> None:
        for resource in self.problem.resources:
            if resource.renewable:
                taken = self.demands.get(resource.id, [])
                intervals, amounts = [i for i, _ in taken], [amount for _, amount in taken]
                self.model.add_cumulative(intervals, amounts, resource.capacity)
            else:
                spent = [
                    demand.amount * self.presences[operation.id, index]
                    for operation in self.problem.operations
                    for index, mode in enumerate(operation.modes)
                    for demand in mode.demands
                    if demand.resource == resource.id
                ]
                self.model.add(sum(spent) <= resource.capacity)


def solve(problem: Problem, budget: Budget, objective: Objective = Objective.MAKESPAN) -> Outcome:
    """Minimise the makespan, or a sum over jobs if each job has the date that it needs."""
    if objective is not Objective.DEADLINE_MISSES:
        refuse_beyond_rcpsp(problem)
    began = time.perf_counter()
    built = _Model(problem, objective)
    built.build()
    done = run(built.model, budget, began)
    schedule = None
    if done.solved:
        schedule = Schedule(
            assignments=tuple(
                placed(
                    operation,
                    next(
                        index
                        for index in range(len(operation.modes))
                        if done.solver.value(built.presences[operation.id, index])
                    ),
                    done.solver.value(built.starts[operation.id]),
                )
                for operation in problem.operations
            )
        )
    return Outcome(
        proven=done.proven,
        schedule=schedule,
        bound=done.bound,
        found_by="plain_cp_sat",
        trace=done.trace,
    )

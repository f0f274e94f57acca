"""The disjunctive mixed-integer program, for small problems and for a second opinion on bounds."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import numpy as np
from ortools.linear_solver import pywraplp

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import NEVER_US, OPEN, Arrays, Solution
from scheduler.solvers.exact.engine import WATCH_S
from scheduler.solvers.exact.frame import Frame, bound_of, frame_of, frozen_overruns_us
from scheduler.solvers.heuristics.left_shift import regenerated
from scheduler.solvers.registry import Feature
from scheduler.solvers.search import Search

BY = "milp"
OBJECTIVES = (
    Objective.MAKESPAN,
    Objective.WEIGHTED_TARDINESS,
    Objective.WEIGHTED_COMPLETION,
    Objective.MAX_LATENESS,
    Objective.ENERGY,
)
FEATURES = frozenset(Feature) - {
    Feature.SETUPS,
    Feature.KEPT_SETUPS,
    Feature.MEMORY,
    Feature.RESOURCES,
}
MOST_OPEN = 30
"""Most open operations; with more, orders are so many that the relaxation proves nothing."""
NODE_WORK = 1_000_000
"""Steps per node of the search tree: about 10 ms."""
ROUNDING = 1e-9
"""Relative error of the engine's bound, which is a float."""
LEAK = 5e-6
"""Error of a bound by rounded binaries, as a share of the largest change. The engine takes numbers
within 1e-6 of a whole one for whole, and a few of them meet in one constraint."""


@dataclass
class _Program:
    """Variables: a start and modes per operation, an order per pair that shares a machine."""

    form: Arrays
    frame: Frame
    engine: Any
    starts: dict[int, Any] = field(default_factory=dict)
    ends: dict[int, Any] = field(default_factory=dict)
    chosen: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.open: list[int] = np.flatnonzero(self.form.state == OPEN).tolist()
        self.base_us = min((self.frame.first_us[i] for i in self.open), default=0)
        self.span_us = max((self.frame.last_end_us[i] for i in self.open), default=0) - self.base_us
        self.span_us = max(self.span_us, 1)

    def build(self) -> None:
        for i in self.open:
            self._add_operation(i)
        for i, j in itertools.combinations(self.open, 2):
            self._add_pair(i, j)
        for target in self.open:
            row = self.form.source_first[target : target + 2].tolist()
            for e in range(*row):
                self._add_edge(int(self.form.source_op[e]), target, int(self.form.source_edge[e]))
        self._add_colocation()
        self._add_budgets()

    def _add_operation(self, i: int) -> None:
        form, frame = self.form, self.frame
        first_us, last_us = frame.first_us[i] - self.base_us, frame.last_end_us[i] - self.base_us
        self.starts[i] = self.engine.NumVar(first_us, max(last_us, first_us), "")
        for k in frame.modes[i]:
            self.chosen[k] = self.engine.BoolVar("")
        self.engine.Add(sum((self.chosen[k] for k in frame.modes[i]), 0 * self.starts[i]) == 1)
        length = sum(int(form.mode_us[k]) * self.chosen[k] for k in frame.modes[i])
        self.ends[i] = self.starts[i] + length
        self.engine.Add(self.ends[i] <= last_us)
        deadline_us = int(form.job_deadline_us[form.job[i]])
        if deadline_us < NEVER_US:
            most = sum(int(form.mode_p95_us[k]) * self.chosen[k] for k in frame.modes[i])
            self.engine.Add(self.starts[i] + most <= deadline_us - self.base_us)
        for machine, on_machine in self._on(i, form.mode_machine).items():
            for span in self._taken(machine):
                self._avoid(i, on_machine, *span)

    def _on(self, i: int, place: Any) -> dict[int, Any]:
        """Per machine (or device) of an operation, the sum of its modes there: 1 if it is there."""
        found: dict[int, Any] = {}
        for k in self.frame.modes[i]:
            where = int(place[k])
            found[where] = found[where] + self.chosen[k] if where in found else self.chosen[k]
        return found

    def _taken(self, machine: int) -> list[tuple[int, int]]:
        """Spans of windows and started operations, from the base on."""
        form = self.form
        first, last = form.window_first[machine : machine + 2].tolist()
        rows = range(first, last)
        spans = [(int(form.window_start_us[w]), int(form.window_end_us[w])) for w in rows]
        if form.machine_exclusive[machine]:
            for i in np.flatnonzero(form.state != OPEN).tolist():
                if form.mode_machine[form.mode_first[i]] == machine:
                    spans.append((int(form.frozen_start_us[i]), int(form.frozen_end_us[i])))
        return [(a - self.base_us, b - self.base_us) for a, b in spans if b > self.base_us]

    def _avoid(self, i: int, on_machine: Any, start_us: int, end_us: int) -> None:
        """Let an operation on that machine end before the span or start after it."""
        later = self.engine.BoolVar("")
        gone, most = self.span_us, self.span_us + max(end_us, 0)
        self.engine.Add(
            self.ends[i] <= start_us + (gone + abs(start_us)) * (1 - on_machine + later)
        )
        self.engine.Add(self.starts[i] >= end_us - most * (2 - on_machine - later))

    def _add_pair(self, i: int, j: int) -> None:
        """Let two operations on the same machine run one after the other."""
        form = self.form
        first, second = self._on(i, form.mode_machine), self._on(j, form.mode_machine)
        shared = [m for m in first if m in second and form.machine_exclusive[m]]
        if not shared:
            return
        order = self.engine.BoolVar("")
        for machine in shared:
            apart = self.span_us * (2 - first[machine] - second[machine])
            self.engine.Add(self.starts[j] >= self.ends[i] - self.span_us * (1 - order) - apart)
            self.engine.Add(self.starts[i] >= self.ends[j] - self.span_us * order - apart)

    def _add_edge(self, source: int, target: int, edge: int) -> None:
        """Let the target start after the source and, between devices, the transfer of its bytes."""
        there = self._on(target, self.form.machine_device[self.form.mode_machine])
        if source in self.ends:
            end = self.ends[source]
            here = self._on(source, self.form.machine_device[self.form.mode_machine])
        else:
            end = int(self.form.frozen_end_us[source]) - self.base_us
            mode = int(self.form.mode_first[source])
            here = {int(self.form.machine_device[self.form.mode_machine[mode]]): 1}
        self.engine.Add(self.starts[target] >= end)
        for a, b in itertools.product(here, there):
            lag_us = self._lag_us(edge, a, b)
            both = here[a] + there[b] - 1
            if lag_us < 0:
                self.engine.Add(both <= 0)
            elif lag_us:
                self.engine.Add(self.starts[target] >= end + lag_us * both)

    def _lag_us(self, edge: int, here: int, there: int) -> int:
        latency_us = int(self.form.link_latency_us[here, there])
        rate = self.form.link_rate[here, there]
        return latency_us if latency_us < 0 else latency_us + int(self.form.edge_us[edge, rate])

    def _add_colocation(self) -> None:
        devices = self.form.machine_device[self.form.mode_machine]
        first: dict[int, dict[int, Any]] = {}
        for i, group in enumerate(self.form.group.tolist()):
            if group < 0:
                continue
            there = {int(devices[self.form.mode_first[i]]): 1}
            if i in self.starts:
                there = self._on(i, devices)
            home = first.setdefault(group, there)
            for device in {**home, **there} if home is not there else {}:
                here, other = home.get(device, 0), there.get(device, 0)
                if not (isinstance(here, int) and isinstance(other, int)):
                    self.engine.Add(here == other)

    def _add_budgets(self) -> None:
        form = self.form
        used: dict[int, Any] = {}
        spent = np.zeros(len(form.resource_capacity), np.int64)
        for i, state in enumerate(form.state.tolist()):
            modes = self.frame.modes[i] if state == OPEN else [int(form.mode_first[i])]
            for k in modes:
                for d in range(*form.demand_first[k : k + 2].tolist()):
                    resource, amount = int(form.demand_resource[d]), int(form.demand_amount[d])
                    if state == OPEN:
                        used[resource] = used.get(resource, 0) + amount * self.chosen[k]
                    else:
                        spent[resource] += amount
        for resource, total in used.items():
            left = max(int(form.resource_capacity[resource] - spent[resource]), 0)
            self.engine.Add(total <= left)

    def solution(self) -> Solution:
        """Read the modes and starts that the engine found, to the nearest microsecond."""
        mode = self.form.mode_first[:-1].copy()
        start_us = self.form.frozen_start_us.copy()
        for i in self.open:
            mode[i] = max(self.frame.modes[i], key=lambda k: self.chosen[k].solution_value())
            start_us[i] = round(self.starts[i].solution_value()) + self.base_us
        return Solution(mode, start_us)


def _minimise(program: _Program, objective: Objective) -> tuple[int, int]:
    """Add the objective; returns the constant to add to the engine's value, and the largest change.

    The largest change is that of the objective if every binary and every time changes fully.
    """
    form, engine = program.form, program.engine
    if objective is Objective.ENERGY:
        energy_uj = form.mode_energy_uj
        engine.Minimize(sum(int(energy_uj[k]) * x for k, x in program.chosen.items()))
        most_uj = sum(int(energy_uj[k]) for k in program.chosen)
        return int(energy_uj[form.mode_first[:-1][form.state != OPEN]].sum()), most_uj
    completions = _completions(program)
    if objective is Objective.MAKESPAN:
        latest = engine.NumVar(-engine.infinity(), engine.infinity(), "")
        for completion in completions.values():
            engine.Add(latest >= completion)
        engine.Minimize(latest)
        return program.base_us, program.span_us
    if objective is Objective.WEIGHTED_COMPLETION:
        weights = {job: int(form.job_weight[job]) for job in completions}
        engine.Minimize(sum(weights[job] * end for job, end in completions.items()))
        total = sum(weights.values())
        return total * program.base_us, max(total, 1) * program.span_us
    return 0, _minimise_lateness(program, objective, completions) * program.span_us


def _minimise_lateness(program: _Program, objective: Objective, completions: dict[int, Any]) -> int:
    """Add the objective; returns the joint cost of a microsecond of every job."""
    form, engine = program.form, program.engine
    due = {job: int(form.job_due_us[job]) - program.base_us for job in completions}
    due = {job: due_us for job, due_us in due.items() if form.job_due_us[job] < NEVER_US}
    if objective is Objective.MAX_LATENESS:
        worst = engine.NumVar(-engine.infinity() if due else 0, engine.infinity(), "")
        for job, due_us in due.items():
            engine.Add(worst >= completions[job] - due_us)
        engine.Minimize(worst)
        return 1
    total = 0
    for job, due_us in due.items():
        tardiness = engine.NumVar(0, engine.infinity(), "")
        engine.Add(tardiness >= completions[job] - due_us)
        total = total + int(form.job_weight[job]) * tardiness
    engine.Minimize(total)
    return max(sum(int(form.job_weight[job]) for job in due), 1)


def _completions(program: _Program) -> dict[int, Any]:
    form, engine = program.form, program.engine
    found: dict[int, Any] = {}
    for i, job in enumerate(form.job.tolist()):
        if job not in found:
            found[job] = engine.NumVar(-engine.infinity(), engine.infinity(), "")
        end = program.ends.get(i)
        engine.Add(
            found[job] >= (int(form.frozen_end_us[i]) - program.base_us if end is None else end)
        )
    return found


def milp(search: Search, seed: int) -> None:
    """Solve a small problem with branch and cut, and report plan and bound at the end.

    For a larger one only the bound of its paths is reported. The engine (SCIP) takes no seed
    from us. A search that a limit cuts off may end with another bound each time: nodes are not
    visited in the same order in every run.

    References
    ----------
    Ozguven, Ozbakir and Yavuz (2010), doi:10.1016/j.apm.2009.09.002: orders per pair and machine,
    with large constants. Added: transfers, windows, started operations, groups, budgets.
    """
    form = search.form
    if frozen_overruns_us(form).any():
        search.refute()
        return
    incumbent = search.best
    frame = frame_of(form, search.objective, incumbent)
    bound = bound_of(form, search.objective, frame)
    if bound is not None:
        search.raise_bound(bound)
    is_small = int((form.state == OPEN).sum()) <= MOST_OPEN
    if search.objective not in OBJECTIVES or not is_small or not search.spend():
        return
    program = _Program(form, frame, pywraplp.Solver.CreateSolver("SCIP"))
    program.build()
    offset, most = _minimise(program, search.objective)
    answer = _run(program.engine, search)
    if answer == pywraplp.Solver.INFEASIBLE:
        if incumbent is None or incumbent.score[0] > 0:
            search.refute()
        return
    least = program.engine.Objective().BestBound()
    if math.isfinite(least) and abs(least) < NEVER_US:
        doubt = LEAK * most + ROUNDING * abs(least) + 1e-3
        search.raise_bound(math.ceil(least - doubt) + offset)
    if answer in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE):
        found = regenerated(form, program.solution())
        if found is not None:
            search.offer(found, BY)


def _run(engine: Any, search: Search) -> int:
    """Solve within the remaining limits of a search, and count the work."""
    if math.isfinite(search.remaining_s):
        engine.SetTimeLimit(max(int(search.remaining_s * 1000), 1))
    nodes = search.remaining_work / NODE_WORK
    if math.isfinite(nodes):
        engine.SetSolverSpecificParametersAsString(f"limits/totalnodes = {max(int(nodes), 1)}\n")
    done = Event()

    def watch() -> None:
        while not done.wait(WATCH_S):
            if search.stop_flag[0]:
                engine.InterruptSolve()

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        answer = int(engine.Solve())
    finally:
        done.set()
        watcher.join()
    search.spend(engine.nodes() * NODE_WORK)
    return answer

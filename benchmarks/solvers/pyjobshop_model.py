"""PyJobShop, on its OR-Tools engine, with its own model.

Lan and Berkhout (2025), "PyJobShop: Solving scheduling problems with constraint programming in
Python", arXiv:2502.13483. It has no transfer times that depend on the machines.
"""

from __future__ import annotations

import time
from typing import Any

from pyjobshop import Model
from pyjobshop.solvers.ortools import CPModel

from benchmarks.solvers.cp_sat import run
from benchmarks.solvers.outcome import Budget, Outcome, Unsupported, placed, refuse_beyond_rcpsp
from scheduler.model.problem import Problem
from scheduler.model.schedule import Schedule


def solve(problem: Problem, budget: Budget) -> Outcome:
    """Minimise the makespan."""
    refuse_beyond_rcpsp(problem)
    if problem.links:
        raise Unsupported("no words for transfers")
    began = time.perf_counter()
    data = _model(problem).data()
    model = CPModel(data)
    done = run(model.model, budget, began)
    schedule = _schedule(problem, data, model.variables, done.solver) if done.solved else None
    return Outcome(
        proven=done.proven,
        schedule=schedule,
        bound=done.bound,
        found_by="pyjobshop",
        trace=done.trace,
    )


def _model(problem: Problem) -> Model:
    model = Model()
    resources: dict[str, Any] = {m.id: model.add_machine() for m in problem.machines if m.exclusive}
    for resource in problem.resources:
        add = model.add_renewable if resource.renewable else model.add_consumable
        resources[resource.id] = add(resource.capacity)
    tasks = {operation.id: model.add_task() for operation in problem.operations}
    for operation in problem.operations:
        for mode in operation.modes:
            # A machine is a resource of which nothing is demanded.
            taken = [(mode.machine, 0)] if mode.machine in resources else []
            taken += [(demand.resource, demand.amount) for demand in mode.demands]
            model.add_mode(
                tasks[operation.id],
                [resources[name] for name, _ in taken],
                mode.duration_us,
                [amount for _, amount in taken],
            )
    for edge in problem.edges:
        model.add_end_before_start(tasks[edge.source], tasks[edge.target])
    model.set_objective(weight_makespan=1)
    return model


def _schedule(problem: Problem, data: Any, variables: Any, solver: Any) -> Schedule:
    assignments = []
    for task, operation in enumerate(problem.operations):
        modes = data.task2modes(task)
        chosen = next(k for k, m in enumerate(modes) if solver.value(variables.mode_vars[m]))
        start_us = solver.value(variables.task_vars[task].start)
        assignments.append(placed(operation, chosen, start_us))
    return Schedule(assignments=tuple(assignments))

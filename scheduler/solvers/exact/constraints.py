"""Table of contents of the constraint program: each rule of a problem, and the module that adds it.

The objective is added by `cp_objectives`; `frame` says which modes and starts are left out.
"""

from __future__ import annotations

from collections.abc import Callable

from scheduler.solvers.arrays import NEVER_US, Arrays
from scheduler.solvers.exact import cp_machines, cp_precedence, cp_resources
from scheduler.solvers.exact.cp_model import Model
from scheduler.solvers.exact.frame import Frame


def constrained(
    form: Arrays,
    frame: Frame,
    *,
    soft: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> Model:
    """Write down a problem as a constraint program without an objective.

    Parameters
    ----------
    soft
        True if deadlines may be missed, because the objective counts them.
    stopped
        Asked now and then; building ends once it answers true.

    Raises
    ------
    Interrupted
        Once `stopped` answers true.
    """
    # Each operation: one start, one end, exactly one mode.
    model = Model(form, frame, stopped=stopped)
    # The same order each time: the engine's search depends on it.
    _add_rules_between_operations(model, soft=soft)
    _add_rules_of_machines(model)
    _add_rules_of_resources(model)
    return model


def _add_rules_between_operations(model: Model, *, soft: bool) -> None:
    # The source ends, and its bytes arrive, before the target starts.
    cp_precedence.add_edges(model)
    # Operations of a group run on one device.
    cp_precedence.add_colocation(model)
    if not soft:
        # Each mode ends by its deadline, by the 95th percentile of its duration.
        cp_precedence.add_deadlines(model)


def _add_rules_of_machines(model: Model) -> None:
    form = model.form
    for machine, row in enumerate(cp_machines.rows_by_machine(model)):
        model.pause()
        if not row:
            continue
        if form.machine_exclusive[machine]:
            # Operations, their setups, windows and running work exclude each other.
            cp_machines.add_no_overlap(model, machine, row)
        else:
            # Operations run side by side, outside of windows.
            cp_machines.add_windows(model, machine, row)
        if form.machine_memory_bytes[machine] < NEVER_US:
            # Resident sessions and the largest peak fit together.
            cp_machines.add_memory(model, machine, row)
    # Orders that the caller keeps, as of the operations that a repair does not free.
    cp_machines.add_orders(model)


def _add_rules_of_resources(model: Model) -> None:
    for resource, demands in enumerate(cp_resources.demands_by_resource(model)):
        model.pause()
        if model.form.resource_renewable[resource]:
            # At no moment do running operations demand more than the capacity.
            cp_resources.add_cumulative(model, resource, demands)
        else:
            # All operations together demand no more than the capacity.
            cp_resources.add_budget(model, resource, demands)

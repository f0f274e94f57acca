"""The entrance for splits: a network, a goal and limits in, an answer out."""

from __future__ import annotations

from collections.abc import Callable

from scheduler.instances.network import PlacementNode, PlacementProblem
from scheduler.model.errors import Defect
from scheduler.model.objectives import Goal
from scheduler.model.schedule import Limits, Status
from scheduler.splitting.answering import Answer, Listener
from scheduler.splitting.bounds import load_bound
from scheduler.splitting.chains import latency_bound
from scheduler.splitting.checking import check
from scheduler.splitting.members import AUTO, members_for
from scheduler.splitting.searching import SplitSearch


def solve(
    placement: PlacementProblem,
    goal: Goal,
    limits: Limits | None = None,
    *,
    clock: Callable[[], float],
    solver: str = AUTO,
    seed: int = 0,
    listener: Listener | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Answer:
    """Split a network over accelerators and the host, each accelerator one contiguous piece.

    Ends at the proof, at the time limit, or after many tries in a row without success. The split is
    judged before it is returned. Uses one thread, whatever the limits say of workers.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    listener
        Called with each improvement of value or bound.
    is_cancelled
        True once a caller wants the search to end.

    Raises
    ------
    UnknownName
        If there is no such solver.
    InvalidInput
        If the solver does not serve the goal.
    Defect
        If a split breaks a rule: a fault of ours.
    """
    time_s, began_s = (limits or Limits()).time_s, clock()
    search = SplitSearch(
        placement=placement,
        goal=goal,
        seed=seed,
        elapsed_s=lambda: clock() - began_s,
        is_over=lambda: is_cancelled() or clock() - began_s >= time_s,
        listener=listener,
    )
    members = members_for(solver, goal)
    _raise_bound(search, lambda: clock() - began_s < time_s / 2 and not search.is_over())
    for at, member in enumerate(members):
        # The first one runs in any case, so that there is an answer.
        if search.go_on() or (at == 0 and not search.is_infeasible):
            member(search)
    return _answer(search, solver, is_cancelled())


def warm_up() -> None:
    """Compile and load the kernels of searches, by a search on a network of one node."""
    node = PlacementNode(
        number=0,
        accelerator_time=1.0,
        host_time=1.0,
        size_bytes=0,
        backward=False,
        colour=None,
        cost=0.0,
    )
    network = PlacementProblem(accelerators=1, cores=1, memory_bytes=0, nodes=(node,), edges=())
    solve(network, Goal.MAX_LOAD, clock=lambda: 0.0, solver="ideals")


def _raise_bound(search: SplitSearch, go_on: Callable[[], bool]) -> None:
    if search.goal is Goal.LATENCY:
        search.raise_bound(latency_bound(search.placement, go_on))
    else:
        search.raise_bound(load_bound(search.placement, search.blocks))


def _answer(search: SplitSearch, solver: str, cancelled: bool) -> Answer:
    places = zip((node.number for node in search.placement.nodes), search.split, strict=False)
    broken = check(search.placement, places, search.goal) if search.value is not None else ()
    if broken:
        raise Defect(f"split by {search.found_by} must keep its rules; {broken[0].message}")
    status = Status.LIMIT if search.value is None else Status.FEASIBLE
    if search.is_proven:
        status = Status.OPTIMAL
    elif search.is_infeasible:
        status = Status.INFEASIBLE
    elif cancelled:
        status = Status.CANCELLED
    return Answer(
        status=status,
        goal=search.goal,
        solver=solver,
        split=search.split,
        value=search.value,
        bound=search.bound if search.value is None else min(search.bound, search.value),
        found_by=search.found_by,
        trace=tuple(search.trace),
    )

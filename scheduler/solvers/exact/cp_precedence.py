"""Constraints between operations: precedence with transfers, colocation, deadlines."""

from __future__ import annotations

from collections.abc import Iterator

from ortools.sat.python.cp_model_helper import Literal

from scheduler.solvers.arrays import NEVER_US, OPEN
from scheduler.solvers.exact.cp_model import Model


def add_edges(model: Model) -> None:
    """Let each target start after its sources have ended and their bytes have come over."""
    first, sources = model.form.source_first.tolist(), model.form.source_op.tolist()
    edges, edge_us = model.form.source_edge.tolist(), model.form.edge_us
    free = bool((model.form.link_latency_us == 0).all()) and edge_us.shape[1] == 1
    for target in range(len(model.state)):
        # Edges into a started operation are history; a target pinned to the future still waits.
        if model.state[target] != OPEN and model.frozen_start_us[target] <= model.form.now_us:
            continue
        model.pause()
        for e in range(first[target], first[target + 1]):
            source = sources[e]
            if model.state[target] != OPEN and model.state[source] != OPEN:
                continue
            if free:
                model.cp.add(model.start(target) >= model.end(source))
            else:
                _add_edge(model, source, target, edge_us[edges[e]].tolist())


def _add_edge(model: Model, source: int, target: int, edge_us: list[int]) -> None:
    """Let the target start after the source and, between devices, the transfer of its bytes."""
    here, there = model.places(source), model.places(target)
    lags_us = {(a, b): _lag_us(model, edge_us, a, b) for a in here for b in there}
    least_us = min((lag_us for lag_us in lags_us.values() if lag_us >= 0), default=None)
    if least_us is None:
        model.refuse()
        return
    end, start = model.end(source), model.start(target)
    model.cp.add(start >= end + least_us)
    for b, on_target in there.items():
        row = {a: lags_us[a, b] for a in here}
        for a, lag_us in row.items():
            if lag_us < 0:
                model.cp.add_bool_or([here[a].negated(), on_target.negated()])
        for lag_us in sorted(set(row.values())):
            if lag_us > least_us:
                for where in _at_least(row, here, lag_us):
                    later = model.cp.add(start >= end + lag_us)
                    later.only_enforce_if([on_target, *where])


def _lag_us(model: Model, edge_us: list[int], here: int, there: int) -> int:
    latency_us = model.latency_us[here][there]
    return latency_us if latency_us < 0 else latency_us + edge_us[model.rate[here][there]]


def add_colocation(model: Model) -> None:
    """Place all operations of a group on the device of its first one."""
    first: dict[int, int] = {}
    for i, group in enumerate(model.form.group.tolist()):
        if group < 0:
            continue
        home = first.setdefault(group, i)
        if home == i:
            continue
        here, there = model.places(home), model.places(i)
        for device in {**here, **there}:
            if device in here and device in there:
                model.cp.add_implication(here[device], there[device])
                model.cp.add_implication(there[device], here[device])
            else:
                model.cp.add_bool_or([(here | there)[device].negated()])


def add_deadlines(model: Model) -> None:
    """Let each mode end by its deadline, even if it takes its 95th percentile."""
    for i in model.open:
        deadline_us = int(model.form.job_deadline_us[model.form.job[i]])
        if deadline_us >= NEVER_US:
            continue
        for k in model.frame.modes[i]:
            if model.mode_p95_us[k] > model.mode_us[k]:
                last_us = deadline_us - model.mode_p95_us[k] - model.base_us
                model.cp.add(model.starts[i] <= last_us).only_enforce_if(model.present[k])


def _at_least(
    row: dict[int, int], literals: dict[int, Literal], lag_us: int
) -> Iterator[list[Literal]]:
    """Conditions on the source's device under which a transfer takes at least `lag_us`.

    One condition, "on none of the nearer devices", where these are few. On the usual network only
    staying is free, and a target's device then needs one constraint and not one per source.
    """
    nearer = [literals[a] for a, other_us in row.items() if 0 <= other_us < lag_us]
    equal = [literals[a] for a, other_us in row.items() if other_us == lag_us]
    if len(nearer) <= len(equal):
        yield [literal.negated() for literal in nearer]
    else:
        for literal in equal:
            yield [literal]

"""Setups on a machine.

A tour through the operations of a machine tells the direct successor of each. Only machines with
several families pay for it, because a tour has a literal per ordered pair. If setups are kept, one
literal per operation is enough: true for the first of its family.
"""

from __future__ import annotations

from dataclasses import dataclass

from ortools.sat.python.cp_model_helper import Literal

from scheduler.solvers.exact.cp_model import Interval, Linear, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """An operation that may run on the machine."""

    operation: int
    start: Linear
    end: Linear
    present: Literal
    family: int
    setup_us: int


def add_setups(
    model: Model, visits: list[Visit], *, loaded: int, now_us: int, order: dict[int, int]
) -> list[Interval]:
    """Let a visit after one of another family wait for its setup.

    Parameters
    ----------
    loaded
        Family that the machine begins with.
    order
        Places of operations that keep their order on this machine.

    Returns
    -------
    list
        The setups as intervals, with which nothing on the machine may overlap.
    """
    arcs: list[tuple[int, int, Literal]] = []
    setups = []
    if all(visit.present is not model.always for visit in visits):
        arcs.append((0, 0, model.cp.new_bool_var("")))
    for target, visit in enumerate(visits, start=1):
        model.pause()
        if visit.present is not model.always:
            arcs.append((target, target, visit.present.negated()))
        first = model.cp.new_bool_var("")
        arcs += [(0, target, first), (target, 0, model.cp.new_bool_var(""))]
        changes: list[Literal] = [first] if visit.family != loaded else []
        for source, other in enumerate(visits, start=1):
            if not _may_follow(visit, other, order):
                continue
            arc = model.cp.new_bool_var("")
            arcs.append((source, target, arc))
            changed = visit.family != other.family
            gap_us = visit.setup_us if changed else 0
            model.cp.add(visit.start >= other.end + gap_us).only_enforce_if(arc)
            if changed:
                changes.append(arc)
        if visit.setup_us and changes:
            setups.append(_setup(model, visit, changes, now_us))
    model.cp.add_circuit(arcs)
    return setups


def add_kept_setups(model: Model, visits: list[Visit], *, now_us: int) -> list[Interval]:
    """Let the first visit of each family wait for its setup.

    Returns
    -------
    list
        The setups as intervals, with which nothing on the machine may overlap.
    """
    families: dict[int, list[Visit]] = {}
    for visit in visits:
        families.setdefault(visit.family, []).append(visit)
    setups: list[Interval] = []
    for found in families.values():
        if any(visit.setup_us for visit in found):
            model.pause()
            firsts = _firsts(model, found)
            setups += [
                _setup(model, visit, [first], now_us)
                for visit, first in zip(found, firsts, strict=True)
                if visit.setup_us
            ]
    return setups


def _firsts(model: Model, visits: list[Visit]) -> list[Literal]:
    """Per visit, a literal that it is the first of those that take place."""
    if len(visits) == 1:
        return [visits[0].present]
    firsts: list[Literal] = [model.cp.new_bool_var("") for _ in visits]
    used = model.cp.new_bool_var("")
    model.cp.add(sum(firsts) == used)
    begins = model.cp.new_int_var(0, _latest_us(model, visits), "")
    for visit, first in zip(visits, firsts, strict=True):
        model.cp.add_implication(first, visit.present)
        model.cp.add_implication(visit.present, used)
        model.cp.add(visit.start <= begins).only_enforce_if(first)
        model.cp.add(visit.start >= begins).only_enforce_if(visit.present)
    return firsts


def _latest_us(model: Model, visits: list[Visit]) -> int:
    """Time, from the base on, by which every visit has begun."""
    pinned_us = [visit.start for visit in visits if isinstance(visit.start, int)]
    ends_us = [int(model.frame.last_end_us[visit.operation]) for visit in visits]
    return max(0, *pinned_us, max(ends_us) - model.base_us)


def _may_follow(visit: Visit, other: Visit, order: dict[int, int]) -> bool:
    if visit.operation == other.operation:
        return False
    here, there = order.get(visit.operation), order.get(other.operation)
    return here is None or there is None or here == there + 1


def _setup(model: Model, visit: Visit, changes: list[Literal], now_us: int) -> Interval:
    """Add an interval right before a visit, present if one of the changes is."""
    needed = changes[0]
    if len(changes) > 1:
        needed = model.cp.new_bool_var("")
        model.cp.add(needed == sum(changes))
    model.cp.add(visit.start >= now_us + visit.setup_us).only_enforce_if(needed)
    return model.cp.new_optional_fixed_size_interval_var(
        visit.start - visit.setup_us, visit.setup_us, needed, ""
    )

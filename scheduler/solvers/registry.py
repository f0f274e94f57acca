"""Solvers by name. Nothing is imported before it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast, runtime_checkable

from scheduler.model.errors import UnknownName
from scheduler.model.ports import Solver
from scheduler.model.schedule import Schedule


@runtime_checkable
class Hintable(Protocol):
    """A solver that can start its search from a schedule."""

    def hinted(self, schedule: Schedule) -> Solver:
        """Give the same solver, starting from a schedule."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a solver is found, and what it declares; the conformance suite holds it to that.

    Parameters
    ----------
    path
        ``module:attribute``.
    objectives
        What it can minimise; the first is what it minimises when called.
    exact
        Whether it can answer OPTIMAL.
    instant
        Whether it needs no time limit: one pass, microseconds to milliseconds.
    """

    path: str
    objectives: tuple[str, ...] = ("makespan",)
    exact: bool = False
    instant: bool = False


_ENTRIES: dict[str, Entry] = {
    "cp_sat": Entry(
        path="scheduler.solvers.exact.cp_sat:cp_sat",
        objectives=("makespan", "weighted_tardiness"),
        exact=True,
    ),
    "fastest_machine": Entry(
        path="scheduler.solvers.heuristics.fastest_machine:fastest_machine", instant=True
    ),
    "heft": Entry(path="scheduler.solvers.heuristics.heft:heft", instant=True),
}


def names() -> tuple[str, ...]:
    """Names of all solvers, sorted."""
    return tuple(sorted(_ENTRIES))


def entry(name: str) -> Entry:
    """Look up what a solver declares.

    Raises
    ------
    UnknownName
        If there is none of that name; the message lists those there are.
    """
    found = _ENTRIES.get(name)
    if found is None:
        choices = ", ".join(names())
        raise UnknownName(f"solver must be one of {choices}; got {name!r}", field="solver")
    return found


def solver(name: str) -> Solver:
    """Import a solver.

    Raises
    ------
    UnknownName
        If there is none of that name.
    """
    module, _, attribute = entry(name).path.partition(":")
    return cast(Solver, getattr(import_module(module), attribute))

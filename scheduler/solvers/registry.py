"""Solvers by name. Nothing is imported before it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from scheduler.model.errors import UnknownName
from scheduler.model.ports import Solver


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

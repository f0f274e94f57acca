"""The competitors by name, and the module that each is loaded from."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.solvers.outcome import Budget, Outcome
from scheduler.model.problem import Problem

PLAIN = "plain_cp_sat"
PYJOBSHOP = "pyjobshop"
OTHERS = (PLAIN, PYJOBSHOP)
DEFAULT = ("auto", *OTHERS)
ROOT = Path(__file__).parents[2]

Competitor = Callable[[Problem, Budget], Outcome]


class UnknownCompetitor(Exception):
    """No competitor has that name, or its package is not installed."""


def names() -> tuple[str, ...]:
    """Names of all competitors that are installed here."""
    from scheduler import portfolio

    return (*portfolio.names(), *(name for name in OTHERS if _is_installed(name)))


def expect(name: str) -> None:
    """Refuse a name that no competitor has, and one whose package is not installed.

    Raises
    ------
    UnknownCompetitor
        With those there are.
    """
    if name == PYJOBSHOP and not _is_installed(name):
        raise UnknownCompetitor("pyjobshop must be installed: pip install 'fjord-scheduler[bench]'")
    if name not in names():
        raise UnknownCompetitor(f"competitor must be one of {', '.join(names())}; got {name!r}")


def load(name: str) -> Competitor:
    """Import a competitor."""
    if name == PLAIN:
        from benchmarks.solvers import plain_cp_sat

        return plain_cp_sat.solve
    if name == PYJOBSHOP:
        from benchmarks.solvers import pyjobshop_model

        return pyjobshop_model.solve
    from benchmarks.solvers import ours

    return partial(ours.solve, solver=name)


def version_of(name: str) -> str:
    """The version that the results of a competitor depend on; those of another are run again."""
    if name == PLAIN:
        return f"ortools {version('ortools')}"
    if name == PYJOBSHOP:
        return f"pyjobshop {version('pyjobshop')}, ortools {version('ortools')}"
    return commit()


@cache
def commit() -> str:
    """State of the project that is measured."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def _is_installed(name: str) -> bool:
    return name != PYJOBSHOP or find_spec("pyjobshop") is not None

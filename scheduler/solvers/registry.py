"""Registry of solvers: declarations by name; a solver is imported at its first use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from scheduler.model.errors import UnknownName
from scheduler.model.objectives import Objective

if TYPE_CHECKING:
    from scheduler.solvers.search import Search


class Searcher(Protocol):
    """A solver as the portfolio runs it: it offers plans, bounds or proofs to a search.

    Deterministic: its offers depend on the form, the offers of others, the seed and the work it may
    spend. Time only decides at which of them it is cut off.
    """

    def __call__(self, search: Search, seed: int) -> None:
        """Take part in a search; return when nothing is left to try, or the search is over."""
        ...


class SolverKind(StrEnum):
    """Kind of a solver, by the way it works."""

    CONSTRUCTIVE = "constructive"  # one pass, milliseconds; needs no plan to begin with
    IMPROVEMENT = "improvement"  # begins with the best plan of the search
    EXACT = "exact"  # can prove bounds, optima and that there is no plan


class Feature(StrEnum):
    """Feature that a problem can have beyond modes, precedence and releases."""

    TRANSFERS = "transfers"
    WINDOWS = "windows"
    STARTED = "started"
    SETUPS = "setups"
    KEPT_SETUPS = "kept_setups"
    MEMORY = "memory"
    COLOCATION = "colocation"
    RESOURCES = "resources"
    BUDGETS = "budgets"
    SHARED_MACHINES = "shared_machines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Declaration of a solver; the conformance suite holds the solver to it.

    Parameters
    ----------
    path
        Import string, ``module:attribute``.
    objectives
        Objectives that it minimises on purpose. Asked for another one, it minimises one of these.
    features
        Features that it takes into account; it never gets a problem with others.
    doi
        Publication of the algorithm.
    """

    path: str
    kind: SolverKind
    objectives: tuple[Objective, ...] = (Objective.MAKESPAN,)
    features: frozenset[Feature] = frozenset(Feature)
    doi: str = ""


_GRAPH_FEATURES = frozenset(
    {
        Feature.TRANSFERS,
        Feature.WINDOWS,
        Feature.STARTED,
        Feature.SETUPS,
        Feature.SHARED_MACHINES,
    }
)
"""Features that the disjunctive graph represents."""

_REGULAR = tuple(one for one in Objective if one is not Objective.ENERGY)
"""Regular objectives: an earlier end never makes them worse."""
_HEURISTICS = "scheduler.solvers.heuristics"


def _heuristic(path: str, doi: str = "", objective: Objective = Objective.MAKESPAN) -> Entry:
    """Describe a heuristic that takes everything into account."""
    return Entry(
        path=f"{_HEURISTICS}.{path}", kind=SolverKind.CONSTRUCTIVE, objectives=(objective,), doi=doi
    )


_ENTRIES: dict[str, Entry] = {
    "genetic": Entry(
        path="scheduler.solvers.metaheuristics.genetic:genetic",
        kind=SolverKind.IMPROVEMENT,
        objectives=tuple(Objective),
        doi="10.1016/j.eswa.2010.08.145",
    ),
    "particle_swarm": Entry(
        path="scheduler.solvers.metaheuristics.particle_swarm:particle_swarm",
        kind=SolverKind.IMPROVEMENT,
        objectives=tuple(Objective),
        doi="10.1016/j.cor.2006.12.030",
    ),
    "ant_colony": Entry(
        path="scheduler.solvers.metaheuristics.ant_colony:ant_colony",
        kind=SolverKind.IMPROVEMENT,
        objectives=tuple(Objective),
        doi="10.1109/TEVC.2002.802450",
    ),
    "simulated_annealing": Entry(
        path="scheduler.solvers.metaheuristics.simulated_annealing:simulated_annealing",
        kind=SolverKind.IMPROVEMENT,
        objectives=tuple(Objective),
        doi="10.1287/opre.40.1.113",
    ),
    "atc": _heuristic("ready:atc", "10.1287/mnsc.33.8.1035", Objective.WEIGHTED_TARDINESS),
    "best_single_machine": _heuristic("single_machine:best_single_machine"),
    "covert": _heuristic("ready:covert", "10.1287/mnsc.33.8.1035", Objective.WEIGHTED_TARDINESS),
    "cpop": _heuristic("ranked:cpop", "10.1109/71.993206"),
    "dominant_sequence": _heuristic("ranked:dominant_sequence", "10.1109/71.308533"),
    "edd": _heuristic("ready:edd", "10.1287/opre.25.1.45", Objective.MAX_LATENESS),
    "etf": _heuristic("ready:etf", "10.1137/0218016"),
    "fastest_machine": _heuristic("ranked:fastest_machine"),
    "heft": _heuristic("ranked:heft", "10.1109/71.993206"),
    "least_slack": _heuristic("ready:least_slack", "10.1287/opre.25.1.45", Objective.MAX_LATENESS),
    "lookahead_heft": _heuristic("ranked:lookahead_heft", "10.1109/PDP.2010.56"),
    "lpt": _heuristic("ready:lpt", "10.1137/0117039"),
    "max_min": _heuristic("ready:max_min", "10.1145/322003.322011"),
    "min_min": _heuristic("ready:min_min", "10.1145/322003.322011"),
    "mor": _heuristic("ready:mor", "10.1287/opre.25.1.45"),
    "mwkr": _heuristic("ready:mwkr", "10.1287/opre.25.1.45"),
    "peft": _heuristic("ranked:peft", "10.1109/TPDS.2013.57"),
    "round_robin": _heuristic("ranked:round_robin"),
    "spt": _heuristic("ready:spt", "10.1287/opre.25.1.45"),
    "sufferage": _heuristic("ready:sufferage", "10.1006/jpdc.1999.1581"),
    "cp_sat": Entry(
        path="scheduler.solvers.exact.cp_sat:cp_sat",
        kind=SolverKind.EXACT,
        objectives=tuple(Objective),
        doi="10.4230/LIPIcs.CP.2023.3",
    ),
    "path_relinking": Entry(
        path="scheduler.solvers.metaheuristics.path_relinking:path_relinking",
        kind=SolverKind.IMPROVEMENT,
        objectives=_REGULAR,
        features=_GRAPH_FEATURES,
        doi="10.1016/j.cor.2014.08.006",
    ),
    "tabu_search": Entry(
        path="scheduler.solvers.metaheuristics.tabu_search:tabu_search",
        kind=SolverKind.IMPROVEMENT,
        objectives=_REGULAR,
        features=_GRAPH_FEATURES,
        doi="10.1002/(SICI)1099-1425(200001/02)3:1<3::AID-JOS32>3.0.CO;2-Y",
    ),
    "large_neighbourhood": Entry(
        path="scheduler.solvers.exact.large_neighbourhood:large_neighbourhood",
        kind=SolverKind.IMPROVEMENT,
        objectives=tuple(Objective),
        doi="10.1007/3-540-49481-2_30",
    ),
    "milp": Entry(
        path="scheduler.solvers.exact.milp:milp",
        kind=SolverKind.EXACT,
        objectives=tuple(one for one in Objective if one is not Objective.DEADLINE_MISSES),
        features=frozenset(Feature)
        - {Feature.SETUPS, Feature.KEPT_SETUPS, Feature.MEMORY, Feature.RESOURCES},
        doi="10.1016/j.apm.2009.09.002",
    ),
}


def names(kind: SolverKind | None = None) -> tuple[str, ...]:
    """Names of all solvers, or of all of a kind, sorted."""
    return tuple(sorted(n for n, e in _ENTRIES.items() if kind is None or e.kind is kind))


def entry(name: str) -> Entry:
    """Look up the declaration of a solver.

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


def solver(name: str) -> Searcher:
    """Import a solver, guarded against operations without a mode.

    Such a form is refuted and never reaches the solver: compiled code relies on a mode per
    operation, and would read beyond its arrays.

    Raises
    ------
    UnknownName
        If there is none of that name.
    """
    # Imported here, because names and declarations are read without it.
    from scheduler.solvers.arrays import fits_nowhere

    module, _, attribute = entry(name).path.partition(":")
    made = cast(Searcher, getattr(import_module(module), attribute))

    @wraps(made, updated=())
    def gated(search: Search, seed: int) -> None:
        if fits_nowhere(search.form):
            search.refute()
        else:
            made(search, seed)

    return gated

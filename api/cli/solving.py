"""``fjord solve`` and ``fjord solvers``: the solvers alone, without a service."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options, output
from scheduler.model.errors import InvalidInput
from scheduler.model.objectives import Goal, Objective

if TYPE_CHECKING:
    from api.cli.searching import SolveRequest
    from scheduler.instances import Instance
    from scheduler.solvers.registry import SolverKind
    from scheduler.splitting.members import Splitter

INTERRUPTED = 130
FLEET = ".npz"
"""Files of problems that come as arrays."""

if TYPE_CHECKING:
    Wanted = Objective | Goal
else:
    # The command line wants all choices in one enumeration.
    Wanted = StrEnum("Wanted", {each.name: each.value for each in (*Objective, *Goal)})
SPLIT_FEATURES = frozenset({"transfers", "memory", "colocation"})
"""Features that every search for splits of networks takes into account."""

Picture = Annotated[
    Path | None,
    typer.Option("--gantt", metavar="FILE", help="Draw the schedule: .svg, .png or .html."),
]


Pareto = Annotated[
    int | None,
    typer.Option(
        min=2, metavar="N", help="Trade makespan for energy: plans within N energy budgets."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(solve)
    app.command()(solvers)


def solve(
    file: Annotated[
        Path, typer.Argument(help="A problem, of any of the formats that docs/solving.md lists.")
    ],
    solver: Annotated[str, typer.Option(help="Name of a solver, or auto.")] = "auto",
    time_limit_s: Annotated[float, typer.Option(min=0.0, help="Wall time to spend.")] = 10.0,
    workers: Annotated[int, typer.Option(min=1, help="Threads to use.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    objective: Annotated[
        Wanted | None,
        typer.Option(
            case_sensitive=False,
            help="Objective to minimise; by default makespan, or latency of a network to place.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Format of the file, where it could be of two."),
    ] = None,
    picture: Picture = None,
    pareto: Pareto = None,
    as_json: options.Json = False,
) -> None:
    """Solve a scheduling problem from a file.

    Ctrl-C ends the search and shows the best schedule so far.
    """
    # Imported here: the solvers take longer to import than most commands take to run.
    from api.cli.files import read_instance
    from api.cli.searching import SolveRequest
    from api.tools.gantt import files
    from scheduler.model.schedule import Limits

    if picture is not None:
        files.expect_picture(picture)
    if file.suffix == FLEET:
        return _plan_fleet(file, solver, objective, format, as_json=as_json)
    instance = read_instance(file, format)
    request = SolveRequest(
        instance=instance,
        solver=solver,
        objective=Objective.MAKESPAN if objective not in set(Objective) else Objective(objective),
        limits=Limits(time_s=time_limit_s, workers=workers),
        seed=seed,
    )
    _show_answer(request, _goal(instance, objective), picture, pareto, as_json=as_json)


def _show_answer(
    request: SolveRequest,
    goal: Goal | None,
    picture: Path | None,
    pareto: int | None,
    *,
    as_json: bool,
) -> None:
    """Search for a split, a schedule or a front, by the options that were given."""
    if goal is not None:
        if picture is not None or pareto is not None:
            raise InvalidInput(f"{goal.value} must be without --gantt and --pareto; got one")
        _split(request, goal, as_json=as_json)
    elif pareto is None:
        _solve(request, picture, as_json=as_json)
    elif picture is not None or request.objective is not Objective.MAKESPAN:
        raise InvalidInput("--pareto must be without --gantt and --objective; got one of them")
    else:
        _trade_off(request, pareto, as_json=as_json)


def _plan_fleet(
    file: Path, solver: str, objective: Wanted | None, format: str | None, *, as_json: bool
) -> None:
    from api.cli import fleets

    if solver not in ("auto", "heft") or objective not in (None, "makespan"):
        raise InvalidInput("a fleet must have solver auto or heft, and makespan; got another")
    if format is not None:
        raise InvalidInput(f"a fleet is in arrays and must have no --format; got {format!r}")
    fleet = fleets.read(file)
    answer = fleets.answered(fleet)
    if as_json:
        output.print_json(fleets.as_dict(fleet, answer))
    else:
        fleets.show(fleet, answer)


def _goal(instance: Instance, objective: Wanted | None) -> Goal | None:
    """The goal of the wanted split, if one is wanted."""
    if objective is None:
        return None if instance.network is None else Goal.LATENCY
    if objective not in set(Goal):
        return None
    if instance.network is None:
        message = (
            f"objective {objective.value!r} must have a network to place; got {instance.format}"
        )
        raise InvalidInput(message, field="objective")
    return Goal(objective)


def _split(request: SolveRequest, goal: Goal, *, as_json: bool) -> None:
    from api.cli import searching, splits
    from scheduler.model.schedule import Status

    answer, elapsed_s = searching.split(request, goal, quiet=as_json)
    network = request.instance.network
    assert network is not None
    if as_json:
        output.print_json(splits.as_dict(network, answer, elapsed_s))
    else:
        splits.show(network, answer, elapsed_s)
    if answer.status is Status.CANCELLED:
        raise typer.Exit(INTERRUPTED)
    if answer.value is None:
        raise typer.Exit(1)


def _solve(request: SolveRequest, picture: Path | None, *, as_json: bool) -> None:
    from api.cli import searching, solutions
    from api.tools.gantt import files
    from scheduler.model.schedule import Status

    result, elapsed_s = searching.answered(request, quiet=as_json)
    if as_json:
        output.print_json(solutions.as_dict(request.instance, result, elapsed_s))
    else:
        solutions.show(request.instance, result, elapsed_s)
    for failure in result.broken:
        output.note(f"a member of the search broke, and the others went on: {failure}")
    if picture is not None and result.schedule is not None:
        files.write(solutions.chart(request.instance, result, elapsed_s), picture)
        output.note(f"drawn in {picture}")
    if result.status is Status.CANCELLED:
        raise typer.Exit(INTERRUPTED)
    if result.schedule is None:
        raise typer.Exit(1)


def _trade_off(request: SolveRequest, points: int, *, as_json: bool) -> None:
    from api.cli import searching, solutions

    found, elapsed_s = searching.front(request, points, quiet=as_json)
    if as_json:
        rows = [solutions.as_dict(request.instance, result, elapsed_s) for result in found]
        energies = [solutions.energy_uj(result) for result in found]
        pairs = zip(rows, energies, strict=True)
        output.print_json({"front": [{**row, "energy_uj": energy} for row, energy in pairs]})
    else:
        solutions.show_front(request.instance, found)
    if not found:
        raise typer.Exit(1)


def solvers(as_json: options.Json = False) -> None:
    """List the solvers, and the features that each takes into account."""
    if as_json:
        return output.print_json({"solvers": list(_solvers_as_dicts())})
    columns = ("name", "kind", "objectives", "takes into account", "doi")
    output.print_table(columns, list(_solvers_as_rows()), empty="no solvers")


def _solvers_as_dicts() -> Iterator[dict[str, object]]:
    from scheduler.solvers import registry
    from scheduler.splitting import MEMBERS

    for name in registry.names():
        entry = registry.entry(name)
        yield {
            "name": name,
            "kind": entry.kind,
            "objectives": entry.objectives,
            "features": sorted(entry.features),
            "doi": entry.doi,
        }
    for name, member in MEMBERS.items():
        yield {
            "name": name,
            "kind": _kind(member),
            "objectives": member.goals,
            "features": sorted(SPLIT_FEATURES),
            "doi": member.doi,
        }


def _solvers_as_rows() -> Iterator[tuple[str, ...]]:
    from scheduler.solvers import registry
    from scheduler.splitting import MEMBERS

    for name in registry.names():
        entry = registry.entry(name)
        objectives = _names(entry.objectives, Objective)
        yield name, entry.kind, objectives, _names(entry.features, registry.Feature), entry.doi
    features = ", ".join(sorted(SPLIT_FEATURES))
    for name, member in MEMBERS.items():
        yield name, _kind(member), _words(member.goals), features, member.doi


def _kind(member: Splitter) -> SolverKind:
    from scheduler.solvers.registry import SolverKind

    return SolverKind.EXACT if member.proves else SolverKind.IMPROVEMENT


def _names(found: Collection[StrEnum], every: type[StrEnum]) -> str:
    """List members of an enumeration, or the fewer ones that are missing."""
    missing = [name for name in every if name not in found]
    if not missing:
        return "all"
    if len(missing) < len(found):
        return f"all but {_words(missing)}"
    return _words(name for name in every if name in found) or "none"


def _words(names: Iterable[StrEnum]) -> str:
    return ", ".join(name.value.replace("_", " ") for name in names)

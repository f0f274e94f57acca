"""``fjord solve`` and ``fjord solvers``: the solvers alone, without a service."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options, output
from scheduler.model.errors import InvalidInput
from scheduler.model.objectives import Objective

if TYPE_CHECKING:
    from api.cli.searching import Question

INTERRUPTED = 130

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
        Objective, typer.Option(help="What to minimise.", case_sensitive=False)
    ] = Objective.MAKESPAN,
    picture: Picture = None,
    pareto: Pareto = None,
    as_json: options.Json = False,
) -> None:
    """Solve a scheduling problem from a file.

    Ctrl-C ends the search and shows the best schedule so far.
    """
    # Imported here: the solvers take longer to import than most commands take to run.
    from api.cli.files import read_instance
    from api.cli.searching import Question
    from api.gantt import files
    from scheduler.model.schedule import Limits

    if picture is not None:
        files.expect_picture(picture)
    question = Question(
        instance=read_instance(file),
        solver=solver,
        objective=objective,
        limits=Limits(time_s=time_limit_s, workers=workers),
        seed=seed,
    )
    if pareto is None:
        _solve(question, picture, as_json=as_json)
    elif picture is not None or objective is not Objective.MAKESPAN:
        raise InvalidInput("--pareto must be without --gantt and --objective; got one of them")
    else:
        _trade_off(question, pareto, as_json=as_json)


def _solve(question: Question, picture: Path | None, *, as_json: bool) -> None:
    from api.cli import searching, solutions
    from api.gantt import files
    from scheduler.model.schedule import Status

    result, elapsed_s = searching.answered(question, quiet=as_json)
    if as_json:
        output.print_json(solutions.as_dict(question.instance, result, elapsed_s))
    else:
        solutions.show(question.instance, result, elapsed_s)
    if picture is not None and result.schedule is not None:
        files.write(solutions.chart(question.instance, result, elapsed_s), picture)
        output.note(f"drawn in {picture}")
    if result.status is Status.CANCELLED:
        raise typer.Exit(INTERRUPTED)
    if result.schedule is None:
        raise typer.Exit(1)


def _trade_off(question: Question, points: int, *, as_json: bool) -> None:
    from api.cli import searching, solutions

    found, elapsed_s = searching.front(question, points, quiet=as_json)
    if as_json:
        rows = [solutions.as_dict(question.instance, result, elapsed_s) for result in found]
        energies = [solutions.energy_uj(result) for result in found]
        pairs = zip(rows, energies, strict=True)
        output.print_json({"front": [{**row, "energy_uj": energy} for row, energy in pairs]})
    else:
        solutions.show_front(question.instance, found)
    if not found:
        raise typer.Exit(1)


def solvers(as_json: options.Json = False) -> None:
    """List the solvers, and what each takes into account."""
    from scheduler.solvers import registry

    entries = {name: registry.entry(name) for name in registry.names()}
    if as_json:
        listed = [
            {
                "name": name,
                "kind": entry.kind,
                "objectives": entry.objectives,
                "features": sorted(entry.features),
                "doi": entry.doi,
            }
            for name, entry in entries.items()
        ]
        return output.print_json({"solvers": listed})
    rows = [
        (
            name,
            entry.kind.value,
            _names(entry.objectives, Objective),
            _names(entry.features, registry.Feature),
            entry.doi,
        )
        for name, entry in entries.items()
    ]
    columns = ("name", "kind", "objectives", "takes into account", "doi")
    output.print_table(columns, rows, empty="no solvers")


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

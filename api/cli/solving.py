"""``fjord solve`` and ``fjord solvers``: the solvers alone, without a service."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output
from api.cli.files import read_json
from api.cli.gantt import Bar, gantt, legend

if TYPE_CHECKING:
    from scheduler.model.problem import Problem
    from scheduler.model.schedule import Result

MOST_LETTERS = 52


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(solve)
    app.command()(solvers)


def solve(
    file: Annotated[Path, typer.Argument(help="A problem, as JSON.")],
    solver: Annotated[str, typer.Option(help="Name of a solver, or auto.")] = "auto",
    time_limit_s: Annotated[float, typer.Option(min=0.0, help="Wall time to spend.")] = 10.0,
    workers: Annotated[int, typer.Option(min=1, help="Threads to use.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: options.Json = False,
) -> None:
    """Solve a scheduling problem from a file."""
    # Imported here: OR-Tools alone takes longer to import than most commands take to run.
    from scheduler import portfolio
    from scheduler.model.codec import from_json
    from scheduler.model.schedule import Limits

    problem = from_json(read_json(file))
    limits = Limits(time_s=time_limit_s, workers=workers)
    began = time.perf_counter()
    result = portfolio.solve(problem, solver=solver, limits=limits, seed=seed)
    elapsed_s = time.perf_counter() - began
    if as_json:
        output.print_json(as_dict(result, elapsed_s))
    else:
        _print_result(problem, result, elapsed_s)
    if result.schedule is None:
        raise typer.Exit(1)


def as_dict(result: Result, elapsed_s: float) -> dict[str, Any]:
    """Say a result in plain data."""
    schedule = result.schedule
    return {
        "status": result.status.value,
        "solver": result.solver,
        "objective": result.objective,
        "value": result.value,
        "bound": result.bound,
        "gap": result.gap,
        "elapsed_s": round(elapsed_s, 6),
        "schedule": None if schedule is None else [_assignment(a) for a in schedule],
        "statistics": result.statistics,
    }


def _assignment(assignment: Any) -> dict[str, Any]:
    names = ("operation", "mode", "machine", "start_us", "end_us")
    return {name: getattr(assignment, name) for name in names}


def _print_result(problem: Problem, result: Result, elapsed_s: float) -> None:
    console = output.console()
    style = output.STATE_STYLES.get(result.status.value, "yellow")
    gap = "unknown" if result.gap is None else f"{result.gap:.2%}"
    console.print(
        f"[{style}]{result.status.value}[/{style}] by {result.solver} in {elapsed_s:.3f} s\n"
        f"{result.objective} {_number(result.value)} us, "
        f"bound {_number(result.bound)} us, gap {gap}"
    )
    if result.schedule is None:
        return
    bars = [
        Bar(
            machine=placed.machine,
            job=problem.operation(placed.operation).job,
            start_us=placed.start_us,
            end_us=placed.end_us,
        )
        for placed in result.schedule
    ]
    console.print(gantt(bars, width=output.chart_width()), soft_wrap=True, markup=False)
    if len(problem.jobs) <= MOST_LETTERS:
        console.print(legend(bars), style="dim", markup=False)


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def solvers(as_json: options.Json = False) -> None:
    """List the solvers."""
    from scheduler.solvers import registry

    entries = {name: registry.entry(name) for name in registry.names()}
    if as_json:
        listed = [
            {
                "name": name,
                "objectives": entry.objectives,
                "exact": entry.exact,
                "instant": entry.instant,
            }
            for name, entry in entries.items()
        ]
        return output.print_json({"solvers": listed})
    rows = [
        (name, ", ".join(e.objectives), _yes(e.exact), _yes(e.instant))
        for name, e in entries.items()
    ]
    output.print_table(("name", "objectives", "proves", "instant"), rows, empty="no solvers")


def _yes(value: bool) -> str:
    return "yes" if value else ""

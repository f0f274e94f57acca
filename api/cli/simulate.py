"""``fjord simulate``: the service's own decisions in simulated time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options, output

if TYPE_CHECKING:
    from api.tools.simulating.form import ScenarioForm
    from scheduler.simulation.report import Report


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)


def simulate(
    scenario: Annotated[
        Path, typer.Argument(help="TOML, or JSON by its name.", exists=True, dir_okay=False)
    ],
    placement: Annotated[str, typer.Option(help="Heuristic that places.")] = "heft",
    compare: Annotated[str, typer.Option(help="Several of them, with commas between.")] = "",
    sweep: Annotated[
        str, typer.Option(help="NAME=FIRST..LAST[..STEP]: machines, rate, or a name. With commas.")
    ] = "",
    fits: Annotated[
        float, typer.Option(min=0, max=1, help="Share of runs that may be late where it fits.")
    ] = 0.01,
    gantt: Annotated[
        Path | None, typer.Option(help="Draw the history: .html, .svg or .png.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Run a site that is written down in a file, without any device."""
    from api.tools.simulating.form import read
    from scheduler.model.errors import InvalidInput

    if bool(compare) + bool(sweep) + bool(gantt) > 1:
        raise InvalidInput("only one of --compare, --sweep and --gantt may be given")
    form, names = read(scenario), [each.strip() for each in (compare or placement).split(",")]
    _expect_placers(names)
    if sweep:
        return _sweep(form, scenario, names[0], sweep=sweep, fits=fits, as_json=as_json)
    if compare:
        return _compare(form, scenario, names, as_json=as_json)
    _one(form, scenario, names[0], gantt=gantt, as_json=as_json)


def _expect_placers(names: list[str]) -> None:
    from scheduler.portfolio import placer

    for name in names:
        placer(name)


def _one(
    form: ScenarioForm, file: Path, placement: str, *, gantt: Path | None, as_json: bool
) -> None:
    from api.tools.gantt.files import expect_picture, write
    from api.tools.simulating.drawing import chart_of
    from api.tools.simulating.trying import Trial, run

    if gantt is not None:
        expect_picture(gantt)
    found, records = run(Trial(form=form, folder=file.parent, placement=placement))
    if gantt is not None:
        title = f"{file.name} by {placement}"
        write(chart_of(records, list(found.utilisation), title=title), gantt)
    if as_json:
        return output.print_json({"placement": placement, **_plain(found)})
    _print_workloads({placement: found})
    output.tell("")
    _print_machines(found)


def _compare(form: ScenarioForm, file: Path, names: list[str], *, as_json: bool) -> None:
    from api.tools.simulating.trying import Trial, run_all

    trials = [Trial(form=form, folder=file.parent, placement=name) for name in names]
    with output.progress("policies", quiet=as_json) as shown:
        reports = dict(
            zip(names, shown.track(run_all(trials), total=len(trials), description=""), strict=True)
        )
    if as_json:
        rows = [{"placement": name, **_plain(each)} for name, each in reports.items()]
        return output.print_json({"policies": rows})
    _print_workloads(reports)


def _sweep(
    form: ScenarioForm, file: Path, placement: str, *, sweep: str, fits: float, as_json: bool
) -> None:
    from api.tools.simulating.mapping import scenario_of
    from api.tools.simulating.sweeping import at, points
    from api.tools.simulating.trying import Trial, run_all

    scenario_of(form, file.parent)
    grid = points(sweep, form)
    trials = [Trial(form=at(form, p), folder=file.parent, placement=placement) for p in grid]
    with output.progress("points", quiet=as_json) as shown:
        reports = list(shown.track(run_all(trials), total=len(trials), description=""))
    if as_json:
        rows = [
            {"at": point, "fits": each.late_share <= fits, **_plain(each)}
            for point, each in zip(grid, reports, strict=True)
        ]
        return output.print_json({"placement": placement, "points": rows})
    cells = [
        (*point.values(), f"{each.late_share:.2%}", "yes" if each.late_share <= fits else "no")
        for point, each in zip(grid, reports, strict=True)
    ]
    columns = (*grid[0], "late or failed", "fits")
    output.print_table(columns, cells, empty="no points", right=columns[:-1])


def _plain(report: Report) -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(report)
    return {"late_share": report.late_share, **found}


def _print_workloads(reports: dict[str, Report]) -> None:
    rows = [
        (
            name,
            workload,
            each.runs,
            each.missed,
            each.failed,
            output.milliseconds(each.p50_us),
            output.milliseconds(each.p99_us),
            output.milliseconds(report.makespan_us),
        )
        for name, report in reports.items()
        for workload, each in report.workloads.items()
    ]
    columns = ("policy", "workload", "runs", "missed", "failed", "p50 ms", "p99 ms", "makespan ms")
    output.print_table(columns, rows, empty="no runs came", right=columns[2:])


def _print_machines(report: Report) -> None:
    rows = [(machine, f"{share:.1%}") for machine, share in report.utilisation.items()]
    output.print_table(("machine", "busy"), rows, empty="no machines", right=("busy",))

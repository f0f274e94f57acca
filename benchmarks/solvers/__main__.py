"""``python -m benchmarks.solvers``, also as ``fjord bench solvers`` and ``make bench-solvers``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.page import write_section
from benchmarks.solvers import cases, competitors, records, report, runner

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def main(
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set or family, such as fjsp or fjsp/dauzere; all by default."),
    ] = None,
    data: Annotated[
        Path, typer.Option(envvar="FJORD_BENCHMARK_DATA", help="Folder of the sets.")
    ] = cases.BUILT_IN,
    solvers: Annotated[
        list[str] | None,
        typer.Option("--solver", help="Ours by name, auto, plain_cp_sat, pyjobshop; or all."),
    ] = None,
    time_limit_s: Annotated[float, typer.Option(min=0.0)] = 1.0,
    workers: Annotated[int, typer.Option(min=1)] = 2,
    seed: Annotated[list[int] | None, typer.Option(help="One or several.")] = None,
    per_family: Annotated[
        int | None, typer.Option(min=1, help="At most so many instances of each family.")
    ] = None,
    results: Annotated[
        Path, typer.Option(help="Where results are kept; a grid that was stopped goes on.")
    ] = Path("build/bench-solvers.jsonl"),
    into: Annotated[
        Path | None, typer.Option(help="Page to write the tables into; else they are printed.")
    ] = None,
) -> None:
    """Compare the solvers with best-known values and with others."""
    grid = runner.Grid(
        cases=cases.of_sets(_listed(sets) or _all_sets(data), data, per_family=per_family),
        competitors=_competitors(_listed(solvers)),
        seeds=tuple(seed or (0,)),
        time_s=time_limit_s,
        workers=workers,
    )
    runner.run(grid, results, lambda line: typer.echo(line, err=True))
    wanted = {records.key_of(*one) for one in grid.runs()}
    found = {record.key: record for record in records.read(results) if record.key in wanted}
    tables = report.text(list(found.values()), data)
    if into is None:
        typer.echo(tables)
    else:
        write_section(into, "solvers", tables)


def _listed(values: list[str] | None) -> list[str]:
    """Values of an option that may be repeated or hold several, joined by commas."""
    return [name for value in values or () for name in value.split(",") if name]


def _all_sets(data: Path) -> list[str]:
    return sorted(path.parent.name for path in data.glob(f"*/{cases.BEST_KNOWN}"))


def _competitors(asked: list[str]) -> tuple[str, ...]:
    if asked == ["all"]:
        return competitors.names()
    if not asked:
        return tuple(name for name in competitors.DEFAULT if name in competitors.names())
    for name in asked:
        competitors.expect(name)
    return tuple(dict.fromkeys(asked))


if __name__ == "__main__":
    try:
        app(prog_name="fjord bench solvers")
    except (cases.UnknownSet, competitors.UnknownCompetitor, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)

"""``fjord history``: deadlines that were missed, and plans."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from api.cli import options, output

app = typer.Typer(help="History: missed deadlines, and plans.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(min=1, max=1000)]


@app.command()
@options.grouped
def misses(
    remote: options.Remote,
    since: options.Since = "",
    until: options.Until = "",
    limit: Limit = 20,
) -> None:
    """List deadlines and due dates that runs did not keep, each with its cause."""
    with remote.client() as client:
        found = client.misses(since=since, until=until, limit=limit)
    if remote.as_json:
        return output.print_json({"misses": found})
    rows = [
        (
            miss["run"],
            miss["limited_by"],
            _clock(miss["at_us"]),
            output.milliseconds(miss["at_us"] - miss["limit_us"]),
            miss["cause"],
            miss["detail"],
        )
        for miss in found
    ]
    columns = ("run", "missed", "ended", "late by ms", "cause", "detail")
    output.print_table(columns, rows, right=("late by ms",), empty="nothing was missed")


@app.command()
@options.grouped
def plans(
    remote: options.Remote,
    since: options.Since = "",
    until: options.Until = "",
    limit: Limit = 20,
) -> None:
    """List plans that were in force or proposed, with the outcome of each."""
    with remote.client() as client:
        found = client.plans(since=since, until=until, limit=limit)
    if remote.as_json:
        return output.print_json({"plans": found})
    rows = [
        (
            _clock(plan["at_us"]),
            plan["version"],
            plan["source"],
            plan["verdict"],
            output.milliseconds(plan["makespan_us"]),
            output.milliseconds(plan["bound_us"]) if plan["bound_us"] else "",
        )
        for plan in found
    ]
    columns = ("at", "version", "made by", "verdict", "makespan ms", "bound ms")
    right = ("version", "makespan ms", "bound ms")
    output.print_table(columns, rows, right=right, empty="nothing was planned")


def _clock(at_us: int) -> str:
    """The time of day here, with the date."""
    return datetime.fromtimestamp(at_us / 1_000_000).isoformat(" ", "milliseconds")

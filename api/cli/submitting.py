"""``fjord submit`` and ``fjord plan``: run a workload, or ask what running it would mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import options, output
from api.cli.gantt import Bar, gantt
from api.cli.runs import print_operations
from fjord import Client, Run
from fjord.client.clients import DEFAULT_URL
from scheduler.model.errors import InvalidInput

Inputs = Annotated[
    list[str],
    typer.Option("--input", "-i", help="NAME=FILE: .npy, .npz, or any file as bytes. Repeatable."),
]
Priority = Annotated[
    str, typer.Option(help="critical, high, normal or background.", metavar="BAND")
]
DeadlineMs = Annotated[
    float | None, typer.Option(min=0, help="Dropped if it is not done by then, from now.")
]
DueMs = Annotated[float | None, typer.Option(min=0, help="Late costs after this, from now.")]
Allow = Annotated[list[str], typer.Option(help="Only machines like this. Repeatable.")]
Forbid = Annotated[list[str], typer.Option(help="No machines like this. Repeatable.")]


def register(app: typer.Typer) -> None:
    """Add the commands that stand on their own."""
    app.command()(submit)
    app.command()(plan)


def submit(
    workload: str,
    inputs: Inputs = [],  # noqa: B006 - typer makes a fresh list for every call
    priority: Priority = "normal",
    deadline_ms: DeadlineMs = None,
    due_ms: DueMs = None,
    allow: Allow = [],  # noqa: B006
    forbid: Forbid = [],  # noqa: B006
    wait: Annotated[bool, typer.Option(help="Wait for the result.")] = True,
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Start a run of a workload, and print its results."""
    with Client(server, token) as client:
        run = client.submit(
            workload,
            parse_inputs(inputs),
            priority=priority,
            deadline_ms=deadline_ms,
            due_ms=due_ms,
            allow=allow,
            forbid=forbid,
        )
        if not wait:
            return _print_accepted(run, as_json)
        run = _follow(client, run, quiet=as_json)
        results = client.results(run) if run.state == "finished" else {}
    _print_ended(run, results, as_json)
    if run.state != "finished":
        raise typer.Exit(1)


def parse_inputs(texts: list[str]) -> dict[str, Path]:
    """Read ``NAME=FILE`` arguments.

    Raises
    ------
    InvalidInput
        If one has no name, or its file is not there.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, separator, file = text.partition("=")
        if not separator or not name:
            raise InvalidInput(f"--input must be NAME=FILE; got {text!r}", field="input")
        if not Path(file).is_file():
            raise InvalidInput(f"--input {name} must name a file; got {file!r}", field="input")
        found[name] = Path(file)
    return found


def _follow(client: Client, run: Run, *, quiet: bool) -> Run:
    with output.progress(run.id, quiet=quiet) as shown:
        task = shown.add_task("", total=None)
        while True:
            try:
                return client.wait(run, timeout_s=0.5)
            except TimeoutError:
                operations = client.run(run).record.get("operations", [])
                done = sum(operation["state"] == "done" for operation in operations)
                shown.update(task, completed=done, total=len(operations))


def _print_accepted(run: Run, as_json: bool) -> None:
    if as_json:
        return output.print_json({"run": run.id})
    output.console().print(f"accepted [bold]{run.id}[/bold]: fjord runs show {run.id}")


def _print_ended(run: Run, results: dict[str, Any], as_json: bool) -> None:
    readable = {name: _readable(value) for name, value in results.items()}
    if as_json:
        return output.print_json({**run.record, "results": readable})
    console = output.console()
    took_us = (run.record.get("ended_us") or 0) - run.record["submitted_us"]
    style = output.STATE_STYLES.get(run.state, "")
    console.print(
        f"{run.id} [{style}]{run.state}[/{style}] in {took_us / 1000:.1f} ms {run.reason}"
    )
    for name, value in readable.items():
        console.print(f"[bold]{name}[/bold] {json.dumps(value)}", soft_wrap=True, markup=True)


def _readable(value: Any) -> Any:
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


def plan(
    workload: str,
    inputs: Inputs = [],  # noqa: B006
    priority: Priority = "normal",
    deadline_ms: DeadlineMs = None,
    due_ms: DueMs = None,
    allow: Allow = [],  # noqa: B006
    forbid: Forbid = [],  # noqa: B006
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Say where a run would go and when it would end. Nothing runs."""
    with Client(server, token) as client:
        preview = client.plan(
            workload,
            parse_inputs(inputs),
            priority=priority,
            deadline_ms=deadline_ms,
            due_ms=due_ms,
            allow=allow,
            forbid=forbid,
        )
    if as_json:
        return output.print_json(preview)
    print_preview(preview)


def print_preview(preview: dict[str, Any]) -> None:
    """Print the answer to a dry run."""
    record = preview["record"]
    console = output.console()
    console.print(
        f"[bold]{record['workload']}[/bold] would take "
        f"{output.milliseconds(preview['makespan_us'])} ms; no plan can beat "
        f"{output.milliseconds(preview['bound_us'])} ms (gap {preview['gap']:.1%}, "
        f"{preview['solver']})"
    )
    print_operations(record["operations"], record["submitted_us"])
    bars = planned_bars(record["operations"])
    if bars:
        console.print(gantt(bars, width=output.chart_width()), soft_wrap=True)
    for each in record["operations"]:
        if each["load_us"]:
            load_ms = output.milliseconds(each["load_us"])
            console.print(f"{each['operation']} loads its session first: {load_ms} ms of its time")
    if preview["ahead"]:
        console.print(
            f"{preview['ahead']} more operations come before it that are not planned yet: "
            "these are the earliest times",
            style="yellow",
        )
    for run, later_us in preview["preempted"].items():
        console.print(f"{run} would end {later_us / 1000:.1f} ms later", style="yellow")
    for stop in preview["preemptions"]:
        fate = stop["refused"] or f"stopped, and {stop['lost_us'] / 1000:.1f} ms of work lost"
        console.print(f"{stop['victim']} on {stop['machine']}: {fate}", style="yellow")
    for place in preview["left_out"]:
        where = f"{place['work']} on {place['machine']} with {place['provider']}"
        console.print(f"{where} was not considered: {place['detail']}", style="yellow")


def planned_bars(operations: list[dict[str, Any]]) -> list[Bar]:
    """Bars of the plan, one letter per stage."""
    return [
        Bar(
            machine=operation["machine"],
            job=operation["stage"],
            start_us=operation["planned_start_us"],
            end_us=operation["planned_end_us"],
        )
        for operation in operations
        if operation["machine"] and operation["planned_end_us"] is not None
    ]

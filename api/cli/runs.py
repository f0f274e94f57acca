"""``fjord submit``, ``fjord plan`` and ``fjord runs``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import options, output
from api.cli.gantt import Bar, gantt
from api.client import Client, Run
from api.client.clients import DEFAULT_URL
from scheduler.model.errors import InvalidInput

app = typer.Typer(help="Runs: list, show, explain, trace, cancel.", no_args_is_help=True)

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
    for run, later_us in preview["preempted"].items():
        console.print(f"{run} would end {later_us / 1000:.1f} ms later", style="yellow")


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


def print_operations(operations: list[dict[str, Any]], origin_us: int) -> None:
    """Print operations with planned and actual times, in milliseconds from the run's start."""
    rows = [
        (
            _short_name(operation),
            operation["work"],
            operation["machine"],
            operation["provider"],
            operation["state"],
            *(_from(operation[field], origin_us) for field in TIMES),
            _refusals(operation),
        )
        for operation in operations
    ]
    columns = ("operation", "work", "machine", "provider", "state", *TIME_TITLES, "refused")
    output.print_table(columns, rows, right=TIME_TITLES, empty="no operations yet")


TIMES = ("planned_start_us", "planned_end_us", "started_us", "ended_us")
TIME_TITLES = ("planned", "to", "actual", "to ms")


def _short_name(operation: dict[str, Any]) -> str:
    item = operation.get("item")
    return operation["stage"] if item is None else f"{operation['stage']}[{item}]"


def _from(at_us: int | None, origin_us: int) -> str:
    return "" if at_us is None else f"{(at_us - origin_us) / 1000:.1f}"


def _refusals(operation: dict[str, Any]) -> str:
    counted: dict[str, int] = {}
    for candidate in operation["candidates"]:
        if candidate["reason"]:
            counted[candidate["reason"]] = counted.get(candidate["reason"], 0) + 1
    return ", ".join(f"{count} {reason}" for reason, count in counted.items())


@app.command("list")
def list_runs(
    state: Annotated[str, typer.Option(help="Only runs in this state.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List runs, the latest first."""
    with Client(server, token) as client:
        found = client.runs(state=state, limit=limit)
    if as_json:
        return output.print_json({"runs": [run.record for run in found]})
    rows = [
        (run.id, run.record["workload"], run.state, _band(run), _took(run), run.reason)
        for run in found
    ]
    columns = ("run", "workload", "state", "priority", "ms", "reason")
    output.print_table(columns, rows, right=("ms",), empty="no runs yet: fjord submit")


def _band(run: Run) -> str:
    return ("critical", "high", "normal", "background")[run.record["band"]]


def _took(run: Run) -> str:
    ended_us = run.record.get("ended_us")
    return output.milliseconds(ended_us - run.record["submitted_us"]) if ended_us else ""


@app.command()
def show(
    run: str,
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show a run with all its operations, planned and actual."""
    with Client(server, token) as client:
        found = client.run(run)
    if as_json:
        return output.print_json(found.record)
    output.console().print(f"{found.id} {found.state} {_took(found)} ms {found.reason}")
    print_operations(found.record["operations"], found.record["submitted_us"])


@app.command()
def explain(
    run: str,
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Say for each operation where it could have run, and why it runs where it does."""
    with Client(server, token) as client:
        operations = client.explain(run)
    if as_json:
        return output.print_json({"run": run, "operations": operations})
    rows = [
        (
            _short_name(operation),
            candidate["machine"],
            candidate["provider"],
            candidate["reason"] or "chosen",
            candidate["detail"],
        )
        for operation in operations
        for candidate in operation["candidates"]
    ]
    columns = ("operation", "machine", "provider", "verdict", "detail")
    output.print_table(columns, rows, empty="nothing was placed yet")


@app.command()
def trace(
    run: str,
    file: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it.")] = None,
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Write a run as a trace that Perfetto (ui.perfetto.dev) opens."""
    with Client(server, token) as client:
        found = client.trace(run)
    if file is None or as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    if file is not None:
        file.write_text(json.dumps(found))
        output.note(f"wrote {file}")


@app.command()
def cancel(
    run: str,
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """End a run, in whatever state it is."""
    with Client(server, token) as client:
        client.cancel(run)
    if as_json:
        return output.print_json({"cancelled": run})
    output.console().print(f"cancelled {run}")

"""``fjord submit`` and ``fjord plan``: run a workload, or preview a run of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output
from api.cli.gantt import Bar, gantt
from api.cli.runs import print_operations
from scheduler.model.errors import InvalidInput

if TYPE_CHECKING:
    from fjord import Client, Run


def register(app: typer.Typer) -> None:
    """Add the commands that stand on their own."""
    app.command()(submit)
    app.command()(plan)


@options.grouped
def submit(
    workload: str,
    request: options.RunOptions,
    remote: options.Remote,
    wait: Annotated[bool, typer.Option(help="Wait for the result.")] = True,
) -> None:
    """Start a run of a workload, and print its results."""
    with remote.client() as client:
        run = client.submit(workload, parse_inputs(request.inputs), **_rules(request))
        if not wait:
            return _print_accepted(run, remote.as_json)
        run = _follow(client, run, quiet=remote.as_json)
        results = client.results(run) if run.state == "finished" else {}
    _print_ended(run, results, remote.as_json)
    if run.state != "finished":
        raise typer.Exit(1)


@options.grouped
def plan(workload: str, request: options.RunOptions, remote: options.Remote) -> None:
    """Say where a run would go and when it would end. Nothing runs."""
    with remote.client() as client:
        preview = client.plan(workload, parse_inputs(request.inputs), **_rules(request))
    if remote.as_json:
        return output.print_json(preview)
    print_preview(preview)


def _rules(request: options.RunOptions) -> dict[str, Any]:
    """Everything that is asked for beside the inputs."""
    rules = asdict(request)
    del rules["inputs"]
    return rules


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
                shown.update(task, **_progress(client.run(run)))


def _progress(run: Run) -> dict[str, Any]:
    """Operations that are done, of all; the machines at work, or the reason for which it waits."""
    operations = run.record.get("operations", [])
    done = sum(operation["state"] == "done" for operation in operations)
    at_work = sorted({each["machine"] for each in operations if each["state"] == "running"})
    where = f"on {', '.join(at_work)}" if at_work else " ".join(filter(None, ("waits", run.reason)))
    return {"completed": done, "total": len(operations), "description": where}


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

"""``fjord runs``: what was run, where, and why there."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output, stories, waits

if TYPE_CHECKING:
    from fjord import Run

app = typer.Typer(help="Runs: list, show, explain, story, trace, cancel.", no_args_is_help=True)


class Kind(StrEnum):
    """Kinds of runs that a list shows."""

    RUN = "run"
    PROFILE = "profile"
    ALL = "all"


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


def print_versions(operations: list[dict[str, Any]]) -> None:
    """Print by which versions operations are planned and ran, each combination once."""
    found = [
        tuple(operation.get(field, "") for field in ("provider", "runtime", "plug_in"))
        for operation in operations
    ]
    rows = [row for row in dict.fromkeys(found) if any(row[1:])]
    columns = ("provider", "onnxruntime", "package")
    output.print_table(columns, rows, empty="no version is recorded")


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
@options.grouped
def list_runs(
    remote: options.Remote,
    state: Annotated[str, typer.Option(help="Only runs in this state.")] = "",
    workload: Annotated[str, typer.Option(help="Only of this name, or name@version.")] = "",
    priority: Annotated[str, typer.Option(help="Only of this priority.")] = "",
    kind: Annotated[
        Kind, typer.Option(help="Runs of workloads; measurements of models (profile); or both.")
    ] = Kind.RUN,
    since: options.Since = "",
    until: options.Until = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    cursor: Annotated[str, typer.Option(help="Go on behind an earlier list.")] = "",
) -> None:
    """List runs, the latest first, also those that ended long ago."""
    with remote.client() as client:
        found = client.runs(
            state=state,
            limit=limit,
            workload=workload,
            priority=priority,
            kind="" if kind is Kind.ALL else kind,
            since=since,
            until=until,
            cursor=cursor,
        )
    further = found[-1].cursor if len(found) == limit else ""
    if remote.as_json:
        return output.print_json({"runs": [run.record for run in found], "next": further})
    rows = [
        (
            run.id,
            run.record["workload"],
            run.state,
            _band(run),
            _foreseen(run, "predicted"),
            _took(run),
            run.reason,
        )
        for run in found
    ]
    columns = ("run", "workload", "state", "priority", "promised", "ms", "reason")
    right = ("promised", "ms")
    is_narrowed = any((state, workload, priority, kind is Kind.PROFILE, since, until, cursor))
    empty = "no such runs" if is_narrowed else "no runs yet: fjord submit"
    output.print_table(columns, rows, right=right, empty=empty)
    if further:
        output.note(f"there may be more: --cursor {further}")


def _band(run: Run) -> str:
    return ("critical", "high", "normal", "background")[run.record["band"]]


def _took(run: Run) -> str:
    ended_us = run.record.get("ended_us")
    return output.milliseconds(ended_us - run.record["submitted_us"]) if ended_us else ""


def _foreseen(run: Run, by: str) -> str:
    """Time that a run was promised or is estimated to take, in milliseconds."""
    end_us = run.record.get(f"{by}_p50_us")
    return output.milliseconds(end_us - run.record["submitted_us"]) if end_us else ""


@app.command()
@options.grouped
def show(
    run: str,
    remote: options.Remote,
) -> None:
    """Show a run with all its operations, planned and actual."""
    with remote.client() as client:
        found = client.run(run)
    if remote.as_json:
        return output.print_json(found.record)
    output.console().print(f"{found.id} {found.state} {_took(found)} ms {found.reason}")
    promised, estimated = _foreseen(found, "predicted"), _foreseen(found, "estimated")
    if promised or estimated:
        plan = "the last plan" if found.is_final else "the plan of now"
        output.console().print(f"promised {promised or '-'} ms, by {plan} {estimated or '-'} ms")
    print_operations(found.record["operations"], found.record["submitted_us"])


@app.command()
@options.grouped
def explain(
    run: str,
    remote: options.Remote,
) -> None:
    """Show the causes of a run's waiting, and the reason for the machine of each operation."""
    with remote.client() as client:
        record = client.run(run).record
    if remote.as_json:
        told = ("run", "waited", "inversions", "operations")
        return output.print_json({name: record.get(name) for name in told})
    waits.print_waits(record)
    operations = record["operations"]
    waits.print_operations([(_short_name(operation), operation) for operation in operations])
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
    print_versions(operations)


@app.command()
@options.grouped
def story(
    run: str,
    remote: options.Remote,
) -> None:
    """Tell each change of state of a run and of its operations, with the cause."""
    with remote.client() as client:
        told = client.story(run)
    if remote.as_json:
        return output.print_json(told)
    stories.print_story(told)


@app.command()
@options.grouped
def trace(
    run: str,
    remote: options.Remote,
    file: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
) -> None:
    """Write a run as a trace that Perfetto (ui.perfetto.dev) opens."""
    with remote.client() as client:
        found = client.trace(run)
    if file is None or remote.as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    if file is not None:
        file.write_text(json.dumps(found))
        output.note(f"wrote {file}")


@app.command()
@options.grouped
def cancel(
    run: str,
    remote: options.Remote,
) -> None:
    """End a run, in whatever state it is."""
    with remote.client() as client:
        client.cancel(run)
    if remote.as_json:
        return output.print_json({"cancelled": run})
    output.console().print(f"cancelled {run}")

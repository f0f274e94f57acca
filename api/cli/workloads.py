"""``fjord workloads``: graphs of models and functions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options, output
from api.cli.files import read_json

app = typer.Typer(help="Workloads: create, list, show, delete.", no_args_is_help=True)


@app.command("list")
@options.grouped
def list_workloads(
    remote: options.Remote,
) -> None:
    """List the workloads."""
    with remote.client() as client:
        found = client.workloads()
    if remote.as_json:
        return output.print_json({"workloads": found})
    rows = [(w["name"], w["version"]) for w in found]
    output.print_table(("name", "version"), rows, empty="no workloads yet: fjord workloads create")


@app.command()
@options.grouped
def create(
    file: Annotated[Path, typer.Argument(help="The graph, as JSON.", exists=True, dir_okay=False)],
    remote: options.Remote,
) -> None:
    """Register a workload; a graph that differs from the last one becomes a new version."""
    definition = read_json(file)
    with remote.client() as client:
        made = client.create_workload(definition)
    if remote.as_json:
        return output.print_json(made)
    output.console().print(f"created [bold]{made['name']}[/bold] version {made['version']}")
    for warning in made["warnings"]:
        output.note(warning)


@app.command()
@options.grouped
def show(
    name: str,
    remote: options.Remote,
) -> None:
    """Show a workload."""
    with remote.client() as client:
        found = client.workload(name)
    if remote.as_json:
        return output.print_json(found)
    output.console().print_json(data=found)


@app.command()
@options.grouped
def delete(
    name: str,
    remote: options.Remote,
) -> None:
    """Delete a workload; runs of it that are under way end normally."""
    with remote.client() as client:
        client.delete_workload(name)
    if remote.as_json:
        return output.print_json({"deleted": name})
    output.console().print(f"deleted {name}")

"""``fjord workloads``: graphs of models and functions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options, output
from api.cli.files import read_json
from fjord import Client
from fjord.client.clients import DEFAULT_URL

app = typer.Typer(help="Workloads: create, list, show, delete.", no_args_is_help=True)


@app.command("list")
def list_workloads(
    server: options.Server = DEFAULT_URL, token: options.Token = None, as_json: options.Json = False
) -> None:
    """List the workloads."""
    with Client(server, token) as client:
        found = client.workloads()
    if as_json:
        return output.print_json({"workloads": found})
    rows = [(w["name"], w["version"]) for w in found]
    output.print_table(("name", "version"), rows, empty="no workloads yet: fjord workloads create")


@app.command()
def create(
    file: Annotated[Path, typer.Argument(help="The graph, as JSON.", exists=True, dir_okay=False)],
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Register a workload; a graph that differs from the last one becomes a new version."""
    definition = read_json(file)
    with Client(server, token) as client:
        made = client.create_workload(definition)
    if as_json:
        return output.print_json(made)
    output.console().print(f"created [bold]{made['name']}[/bold] version {made['version']}")


@app.command()
def show(
    name: str,
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show a workload."""
    with Client(server, token) as client:
        found = client.workload(name)
    if as_json:
        return output.print_json(found)
    output.console().print_json(data=found)


@app.command()
def delete(
    name: str,
    server: options.Server = DEFAULT_URL,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Delete a workload; runs of it that are under way end normally."""
    with Client(server, token) as client:
        client.delete_workload(name)
    if as_json:
        return output.print_json({"deleted": name})
    output.console().print(f"deleted {name}")

"""``fjord devices``: machines of this computer that really work, tried out."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import typer

from api.cli import options, output

if TYPE_CHECKING:
    from devices.box.discovery import DeviceRow


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(devices)


def devices(
    simulated: options.Simulated = False,
    name: options.Name = "",
    as_json: options.Json = False,
) -> None:
    """Run a small model on every provider of this box, compare it with the CPU, and say so."""
    import msgspec

    from devices.box.discovery import discover, lanes, table
    from devices.box.host import usable_cores
    from devices.functions.registry import functions

    with output.progress("trying providers", quiet=as_json) as shown:
        shown.add_task("", total=None)
        discovered = discover(simulated)
    machines = lanes(
        name or socket.gethostname(),
        discovered,
        usable_cores(),
        simulated=simulated,
        functions=tuple(sorted(functions())),
    )
    rows = table(discovered, machines)
    if as_json:
        return output.print_json(msgspec.to_builtins({"providers": rows, "machines": machines}))
    _print(rows)


def _print(rows: list[DeviceRow]) -> None:
    usable = [_usable(row) for row in rows if row.machines]
    columns = ("provider", "class", "lanes", "cores", "memory", "verdict", "note")
    output.print_table(columns, usable, empty="no provider is usable here")
    output.console().print()
    others = [
        (row.provider, _class(row), row.verdict.value, row.reason)
        for row in rows
        if not row.machines
    ]
    output.print_table(
        ("provider", "class", "verdict", "reason"), others, empty="every provider is usable here"
    )


def _usable(row: DeviceRow) -> tuple[Any, ...]:
    return (
        row.provider,
        _class(row),
        ", ".join(machine.rpartition("/")[2] for machine in row.machines),
        ", ".join(map(str, row.cores)),
        output.gibibytes(row.memory_bytes),
        row.verdict.value,
        row.reason,
    )


def _class(row: DeviceRow) -> str:
    return f"{row.device_class} (simulated)" if row.simulated else row.device_class

"""``fjord functions``: functions that stages can run beside models."""

from __future__ import annotations

from typing import Any

import typer

from api.cli import options, output


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(functions)


def functions(as_json: options.Json = False) -> None:
    """List the functions that are installed here, with inputs, outputs and parameters."""
    from devices.functions.registry import functions as installed

    found = [
        {
            "name": name,
            "inputs": {key: str(kind) for key, kind in function.inputs.items()},
            "outputs": {key: str(kind) for key, kind in function.outputs.items()},
            "params": {key: param.kind.value for key, param in function.params.items()},
            "expected_us": function.expected_us,
            "summary": function.summary,
        }
        for name, function in sorted(installed().items())
    ]
    if as_json:
        return output.print_json({"functions": found})
    output.print_table(
        ("function", "takes", "gives", "parameters", "does"),
        map(_row, found),
        empty="no function is installed",
    )


def _row(function: dict[str, Any]) -> tuple[str, ...]:
    takes, gives = (", ".join(function[side]) for side in ("inputs", "outputs"))
    return function["name"], takes, gives, ", ".join(function["params"]), function["summary"]

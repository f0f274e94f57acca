"""``fjord bench``: measurements, which come with the source of the project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import typer

import api
from scheduler.model.errors import InvalidInput

app = typer.Typer(no_args_is_help=True, help="Measure.")

_ANY = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command("solvers", context_settings=_ANY, add_help_option=False)
def solvers(context: typer.Context) -> None:
    """Compare the solvers with best-known values and with others (--help says how)."""
    _run("benchmarks.solvers", context)


@app.command("splits", context_settings=_ANY, add_help_option=False)
def splits(context: typer.Context) -> None:
    """Compare splits of neural networks with published ones (--help says how)."""
    _run("benchmarks.splits", context)


def _run(module: str, context: typer.Context) -> NoReturn:
    root = Path(api.__file__).parents[1]
    if not (root / "benchmarks" / "solvers").is_dir():
        raise InvalidInput("fjord bench must run in a clone of the project; got an installed one")
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH", ""))))
    # A process of its own, because the benchmarks are not installed.
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, *context.args],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    raise typer.Exit(done.returncode)

"""All commands in one application, and the exit codes of their errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from api.cli import (
    bench,
    compiling,
    cost,
    demo,
    devices,
    doctor,
    functions,
    history,
    load,
    models,
    output,
    policy,
    profiling,
    record,
    runs,
    services,
    simulate,
    site,
    solving,
    submitting,
    token,
    workloads,
)
from api.process import config
from fjord import FjordApiError, InvalidValue
from scheduler.model.errors import FjordError, InvalidInput

EXIT_FAILURE = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def _tell(is_asked: bool) -> None:
    if is_asked:
        from fjord import __version__

        output.tell(f"fjord {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="fjord",
    help="Schedules inference on mixed hardware: predicts, plans, runs, explains.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
services.register(app)
site.register(app)
devices.register(app)
doctor.register(app)
functions.register(app)
load.register(app)
app.add_typer(models.app, name="models")
profiling.register(app)
app.add_typer(workloads.app, name="workloads")
submitting.register(app)
app.add_typer(runs.app, name="runs")
app.add_typer(history.app, name="history")
solving.register(app)
simulate.register(app)
record.register(app)
app.add_typer(bench.app, name="bench")
compiling.register(app)
app.add_typer(cost.app, name="cost")
policy.register(app)
app.add_typer(token.app, name="token")
demo.register(app)


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_tell),
    ] = False,
) -> None:
    """Take the options that stand before a command, and the settings of the user's file."""
    # Before the options of the command are read, some of which are also in the environment.
    config.apply(os.environ)


def main() -> None:
    """Run the command of this process's arguments."""
    # For processes that take no -P, as those of multiprocessing: a folder of the user's may be
    # named as a package of ours.
    os.environ["PYTHONSAFEPATH"] = "1"
    code = run(sys.argv[1:])
    if code == EXIT_INTERRUPTED:
        _leave_at_once(code)
    sys.exit(code)


def _leave_at_once(code: int) -> NoReturn:
    """End without taking anything down: threads of a search that was stopped may still use it.

    Engines abort the process where that happens, and the caller would not see the code.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns
    -------
    int
        0, or 1 when something failed, or 2 when what was asked for is wrong.
    """
    try:
        code = app(list(arguments) or ["--help"], prog_name="fjord", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except typer.exceptions.TyperException as error:
        if text := _said(error):
            output.fail(f"{text} (fjord --help)")
        return EXIT_BAD_INPUT
    except (FjordApiError, FjordError, InvalidValue, OSError) as error:
        output.fail(_message(error))
        return EXIT_BAD_INPUT if _is_bad_input(error) else EXIT_FAILURE
    # A command that ends early, by `typer.Exit`, makes its code the value of the call.
    return code if isinstance(code, int) else 0


def _said(error: typer.exceptions.TyperException) -> str:
    """The fault that the command line found; of a value, its law and the value itself."""
    from pydantic import ValidationError

    if isinstance(error.__cause__, ValidationError) and isinstance(error, typer.BadParameter):
        fault = error.__cause__.errors()[0]
        name = error.param.opts[0] if error.param is not None else "a value"
        law = fault["msg"].replace("Input should be", "must be", 1)
        return f"{name} {law}; got {fault['input']!r}"
    return error.format_message()


def _is_bad_input(error: Exception) -> bool:
    if isinstance(error, FjordApiError):
        return 400 <= error.status < 500
    return isinstance(error, InvalidInput | InvalidValue | FileNotFoundError | IsADirectoryError)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__

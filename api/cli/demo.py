"""``fjord demo``: a real pipeline, planned and run on the machines of this box."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output
from api.cli.gantt import Bar, gantt, legend

if TYPE_CHECKING:
    from api.tools.demo.measure import Measured
    from api.tools.demo.report import DemoReport
    from api.tools.demo.service import Service
    from fjord.client.wire import Json

ROUNDS = 3
LINES_PER_IMAGE = 4


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here; - prints only them.")
    ] = None,
    images: Annotated[int, typer.Option(min=1, max=50, help="Images to read.")] = 6,
    seed: Annotated[int, typer.Option(help="Chooses the text of the images.")] = 0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    keep: Annotated[
        bool, typer.Option("--keep", envvar="KEEP", help="Leave the dashboard up until Ctrl-C.")
    ] = False,
    data: options.Data = None,
) -> None:
    """Read text from images on all machines of this box, and compare with the usual ways."""
    quiet = json_file == Path("-")
    # As Ctrl-C does: what was started is ended in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _folder(data) as folder, _service(folder, port, quiet=quiet) as service:
        report = _measure(service, images=images, seed=seed, quiet=quiet)
        if not quiet:
            _print(report, service.url)
        _write(report, json_file)
        if keep:
            _wait_for_interrupt(service.url)
    if report.violations or not report.reads_right:
        raise typer.Exit(1)


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="fjord-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _service(folder: Path, port: int, *, quiet: bool) -> Iterator[Service]:
    from api.tools.demo.service import running_service

    if not quiet:
        output.note("starting the service, and trying each provider on each machine ...")
    with running_service(folder, port=port) as service:
        yield service


def _measure(service: Service, *, images: int, seed: int, quiet: bool) -> DemoReport:
    from api.tools.demo.images import render, sample_lines
    from api.tools.demo.measure import approaches, in_turn
    from api.tools.demo.ocr import model_files
    from api.tools.demo.prepare import prepare
    from api.tools.demo.report import DemoReport
    from fjord import Client

    expected = sample_lines(images, lines_per_image=LINES_PER_IMAGE, seed=seed)
    pages = [render(lines, seed=seed + index) for index, lines in enumerate(expected)]
    with Client(service.url) as client:
        with output.progress("measuring models on machines", quiet=quiet) as shown:
            task = shown.add_task("", total=None)
            workload = prepare(
                client,
                progress=lambda done, total: shown.update(task, completed=done, total=total),
            )
        ways = approaches(client, workload, model_files(), pages)
        with output.progress("reading", quiet=quiet) as shown:
            task = shown.add_task("", total=(1 + ROUNDS) * len(ways))
            measured = in_turn(ways, rounds=ROUNDS, progress=lambda: shown.advance(task))
        reports = [machine["report"] for machine in client.devices()]
    machines = [report["id"] for report in reports]
    return DemoReport(
        expected=expected, measured=measured, machines=machines, unused=_unused(reports)
    )


def _unused(machines: Iterable[Json]) -> dict[str, str]:
    """Providers that no machine can use, though they are installed, with the reason."""
    from scheduler.model.messages import Verdict

    return {
        provider["provider"]: provider["reason"]
        for machine in machines
        for provider in machine["providers"]
        if provider["verdict"] != Verdict.USABLE
    }


def _print(report: DemoReport, url: str) -> None:
    from api.tools.demo.measure import typical

    console = output.console()
    _print_lines(report)
    fjord = report.fjord
    bars = _executed_bars(fjord)
    console.print("\n[bold]Operations by machine[/bold] (one letter per image)")
    console.print(gantt(bars, width=output.chart_width()), soft_wrap=True, markup=False)
    console.print(legend(bars), style="dim", markup=False)
    console.print(f"\n[bold]{len(report.expected)} images, median of {ROUNDS} warm rounds[/bold]")
    rows = [_row(name, typical(rounds), fjord) for name, rounds in report.measured.items()]
    columns = ("approach", "makespan ms", "against Fjord", "planned ms", "bound ms")
    output.print_table(columns, rows, right=columns[1:], empty="nothing was measured")
    console.print(f"violations of the executed schedules: {len(report.violations)}")
    for law in report.violations:
        console.print(law, style="red", markup=False)
    for provider, reason in report.unused.items():
        console.print(f"not used: {provider}, {reason}", markup=False)
    console.print(f"dashboard: {url}/")


def _print_lines(report: DemoReport) -> None:
    rows = [
        (index + 1, read, "yes" if read == drawn else f"no: {drawn}")
        for index, (lines, texts) in enumerate(
            zip(report.fjord.lines, report.expected, strict=True)
        )
        for read, drawn in zip(lines, texts, strict=False)
    ]
    output.print_table(("image", "line read", "as drawn"), rows, empty="no line was read")


def _executed_bars(measured: Measured) -> list[Bar]:
    return [
        Bar(
            machine=operation["machine"],
            job=record["run"],
            start_us=operation["started_us"],
            end_us=operation["ended_us"],
        )
        for record in measured.records
        for operation in record["operations"]
        if operation["state"] == "done"
    ]


def _row(name: str, measured: Measured, fjord: Measured) -> tuple[Any, ...]:
    return (
        name,
        output.milliseconds(measured.makespan_us),
        f"{measured.makespan_us / fjord.makespan_us:.2f}x",
        output.milliseconds(measured.planned_us or None),
        output.milliseconds(measured.bound_us or None),
    )


def _write(report: DemoReport, json_file: Path | None) -> None:
    if json_file == Path("-"):
        output.print_json(report.as_dict())
    elif json_file is not None:
        json_file.write_text(json.dumps(report.as_dict(), indent=2) + "\n")


def _wait_for_interrupt(url: str) -> None:
    output.note(f"the service stays up at {url}/ until Ctrl-C")
    ends = {signal.SIGINT, signal.SIGTERM}
    # Blocked, or the default handlers would end this process before it can end the service.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    signal.sigwait(ends)

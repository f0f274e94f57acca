"""``fjord doctor``: the state of this computer, and the steps that mend it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import typer

from api.cli import options, output

if TYPE_CHECKING:
    from api.process.checkup import Finding
    from devices.box.discovery import Discovered


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    data: options.Data = None,
    simulated: options.Simulated = False,
    as_json: options.Json = False,
) -> None:
    """Check this computer, and name the step that mends each fault. Exit 1 if one is in the way."""
    from api.process.checkup import State, checks
    from api.process.settings import Settings
    from devices.box.discovery import discover

    settings = Settings.from_environment()
    settings = replace(settings, host=host, port=port, data_dir=data or settings.data_dir)
    with output.progress("trying providers", quiet=as_json) as shown:
        shown.add_task("", total=None)
        findings = [*checks(settings), *map(_provider, discover(simulated))]
    if as_json:
        output.print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        rows = [row for finding in findings for row in _rows(finding)]
        output.print_table(("check", "state", "found"), rows, empty="nothing was checked")
    if any(finding.state is State.BAD for finding in findings):
        raise typer.Exit(1)


def _rows(finding: Finding) -> list[tuple[str, str, str]]:
    """A line on the finding, and one below it on the step that mends it."""
    steps = [("", "", f"-> {finding.do}")] if finding.do else []
    return [(finding.check, finding.state, finding.found), *steps]


def _provider(discovered: Discovered) -> Finding:
    """A provider as a finding: one that is not here is worth knowing, one that breaks is mended."""
    from api.process.checkup import Finding, State
    from scheduler.model.messages import Verdict

    report = discovered.report
    broken = report.verdict in {Verdict.FAILED, Verdict.WRONG, Verdict.FELL_BACK}
    state = State.OK if discovered.is_usable else State.BAD if broken else State.NOTE
    reason, _, remedy = report.reason.partition(": ")
    return Finding(
        check=f"provider {report.provider}",
        state=state,
        found=f"{report.verdict}: {reason}" if reason else f"{report.verdict} {report.version}",
        do=remedy or (discovered.row.remedy if broken else ""),
    )

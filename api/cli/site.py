"""``fjord status``, ``fjord logs`` and ``fjord down``: a site that runs, and its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output
from fjord import FjordApiError
from scheduler.model.errors import InvalidInput

if TYPE_CHECKING:
    from fjord import Client

BANDS = ("critical", "high", "normal", "background")
WAITING, RUNNING = "queued", "running"
NO_STORE = "store unavailable"
"""Title of the answer of a service whose store does not answer."""
FOLLOW_S = 0.25
END_S = 90.0
"""Longer than an agent, a service and a store may take to end, one after another."""

Part = Annotated[str, typer.Argument(help="up, service, agent or store; all of them by default.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(status)
    app.command()(logs)
    app.command()(down)


@options.grouped
def status(remote: options.Remote) -> None:
    """Say how the site is: store, controller, agents, queues, last error. Exit 1 if not ready."""
    # A service that is not ready says so by 503: that is the answer, and no reason to ask again.
    with remote.client(patience_s=0.0) as client:
        found = _status(client)
    if remote.as_json:
        output.print_json(found)
    else:
        columns = ("part", "state", "detail")
        output.print_table(columns, list(_rows(found)), empty="nothing is known")
    if not found["ready"]:
        raise typer.Exit(1)


def _status(client: Client) -> dict[str, Any]:
    """Everything that the service says about itself, in one object."""
    health, title, reason = _health(client)
    found: dict[str, Any] = {
        "server": client.base_url,
        "ready": not title,
        "reason": reason,
        "store": "down" if title == NO_STORE else "up",
        "controller": "none" if title else "up",
        "set_aside": health.get("set_aside", 0),
    }
    if found["store"] == "down":
        return found
    try:
        view = client.schedule()
        failed = client.runs(state="failed", limit=1)
    except FjordApiError as error:
        # A site that has never had a controller has no view.
        return found | {"reason": reason or str(error)}
    return found | {
        "agents": _agents(view["machines"]),
        "queues": _queues(view),
        "last_error": failed[0].record if failed else None,
    }


def _health(client: Client) -> tuple[dict[str, Any], str, str]:
    """The answer on readiness, and a title with the reason if the site is not ready."""
    try:
        return client.ready(), "", ""
    except FjordApiError as error:
        if error.status != 503:
            raise
        return {}, error.title, error.detail


def _agents(machines: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """State of each machine, by agent."""
    agents: dict[str, dict[str, str]] = {}
    for machine in machines:
        reason = f": {machine['reason']}" if machine["reason"] else ""
        agents.setdefault(machine["agent"], {})[machine["report"]["id"]] = machine["state"] + reason
    return agents


def _queues(view: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Runs that wait and that are under way, by band."""
    counted = {
        state: Counter(BANDS[run["band"]] for run in view["runs"] if run["state"] == state)
        for state in (WAITING, RUNNING)
    }
    counted[WAITING].update(view["runs_left_out"])
    return {state: dict(bands) for state, bands in counted.items()}


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "service", "up", found["server"]
    has_store = found["store"] == "up"
    yield "store", found["store"], "" if has_store else found["reason"]
    yield "controller", found["controller"], found["reason"] if has_store else ""
    if not has_store:
        return
    for agent, machines in found.get("agents", {}).items():
        states = ", ".join(f"{name.rpartition('/')[2]} {state}" for name, state in machines.items())
        yield "agent", agent, states
    if not found.get("agents"):
        yield "agent", "none", "runs wait until one joins: fjord agent"
    for state, bands in found.get("queues", {}).items():
        yield state, str(sum(bands.values())), output.pairs(bands)
    if found["set_aside"]:
        yield "set aside", str(found["set_aside"]), "events that broke a controller: report them"
    if last := found.get("last_error"):
        reason = " ".join(filter(None, (last["reason"], last["detail"])))
        yield "last error", last["run"], f"{last['workload']}: {reason}"


def logs(
    part: Part = "",
    data: options.Data = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="Lines of each log, from its end.")
    ] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Follow the logs, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the logs of the site of a data folder."""
    files = _logs_of(part, _folder(data))
    places: dict[Path, int] = {}
    for file in files:
        text = file.read_bytes()
        places[file] = len(text)
        _print_part(file, text.decode(errors="replace").splitlines()[-lines:] if lines else [])
    while follow:
        time.sleep(FOLLOW_S)
        for file, place in places.items():
            places[file] = _print_since(file, place)


def _folder(data: Path | None) -> Path:
    from api.process.settings import Settings

    return data or Settings.from_environment().data_dir


def _logs_of(part: str, folder: Path) -> list[Path]:
    from api.process.logs import PARTS, log_file

    if part and part not in PARTS:
        law = f"a log must be one of {', '.join(PARTS)}"
        raise InvalidInput(f"{law}; got {part!r}", field="part")
    files = [log_file(folder, each) for each in ([part] if part else PARTS)]
    found = [file for file in files if file.exists()]
    if not found:
        raise InvalidInput(f"there must be a log in {folder}; no fjord up has run there yet")
    return found


def _print_part(file: Path, lines: list[str]) -> None:
    output.tell(f"==> {file} <==")
    for line in lines:
        output.tell(line)


def _print_since(file: Path, place: int) -> int:
    """Print what has been written behind a place, and return the new end."""
    size = file.stat().st_size if file.exists() else 0
    # A log that has been set aside begins anew.
    start = place if size >= place else 0
    if size > start:
        with file.open("rb") as source:
            source.seek(start)
            text = source.read(size - start).decode(errors="replace")
        _print_part(file, text.splitlines())
    return size


def down(
    data: options.Data = None,
    timeout_s: Annotated[
        float, typer.Option(min=0, help="Longest wait, in seconds; running work is finished first.")
    ] = END_S,
    as_json: options.Json = False,
) -> None:
    """End the site of a data folder: its fjord up, with all that this one started."""
    from api.process.embedded.processes import end_left_over
    from api.process.site import end_supervisor, supervisor_of

    folder = _folder(data)
    found = supervisor_of(folder)
    if found is not None:
        if not as_json:
            output.tell(f"Ending process {found.pid} ({found.url}): running work is finished first")
        end_supervisor(folder, found, timeout_s=timeout_s)
    left_over = end_left_over(folder) if found is None else False
    if as_json:
        pid = None if found is None else found.pid
        return output.print_json({"data": str(folder), "ended": pid, "left_over_store": left_over})
    output.tell(_ended(folder, found is not None, left_over))


def _ended(folder: Path, ran: bool, left_over: bool) -> str:
    if ran:
        return f"Fjord in {folder} has ended"
    if left_over:
        return f"No fjord up ran in {folder}; the store that one had left there has ended"
    return f"No Fjord runs in {folder}"

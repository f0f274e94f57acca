"""A search that the user watches, and ends with Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rich.console import Console
from rich.live import Live

from api.cli import output, solutions
from scheduler.instances import Instance
from scheduler.model.objectives import Objective
from scheduler.model.schedule import Limits, Result

if TYPE_CHECKING:
    from scheduler.portfolio import Cancellation, SearchProgress
    from scheduler.splitting import Answer, Goal, Report

Found = TypeVar("Found")

LOOK_S = 0.1
LINE_S = 1.0
"""Time between lines where they cannot be replaced."""
LOADING_S = 3.0
"""Processor time that loading compiled kernels stays below, and compiling them far above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveRequest:
    """A search that is asked for on an instance."""

    instance: Instance
    solver: str
    objective: Objective
    limits: Limits
    seed: int


class Display(Protocol):
    """Shows how far a search is."""

    def show(self, text: str) -> None:
        """Show the newest line; called about every `LOOK_S`."""


@dataclass(frozen=True, slots=True)
class SearchWatch:
    """Handles of a search: one to watch it by, one to end it."""

    listener: Callable[[Any], None]
    cancel: Cancellation


@dataclass(frozen=True, slots=True)
class Watched:
    """Functions that make a search ready and put its newest report in a line."""

    prepare: Callable[[], None]
    line: Callable[[Any], str]


def answered(request: SolveRequest, *, quiet: bool) -> tuple[Result, float]:
    """Search, show how far it is, end it at the first Ctrl-C; the result and how long it took."""
    from scheduler import portfolio

    def search(watch: SearchWatch) -> Result:
        return portfolio.solve(
            request.instance.problem,
            request.solver,
            request.limits,
            request.seed,
            objective=request.objective,
            listener=watch.listener,
            cancel=watch.cancel,
        )

    return _watched(search, _schedules(request), quiet=quiet)


def split(request: SolveRequest, goal: Goal, *, quiet: bool) -> tuple[Answer, float]:
    """Likewise, for a split of a network."""
    from scheduler import splitting

    network = request.instance.network
    assert network is not None

    def search(watch: SearchWatch) -> Answer:
        return splitting.solve(
            network,
            goal,
            request.limits,
            clock=time.monotonic,
            solver=request.solver,
            seed=request.seed,
            listener=watch.listener,
            is_cancelled=lambda: watch.cancel.is_cancelled,
        )

    return _watched(search, Watched(splitting.warm_up, partial(_split_line, goal)), quiet=quiet)


def front(request: SolveRequest, points: int, *, quiet: bool) -> tuple[list[Result], float]:
    """Likewise, for plans that trade the makespan off against energy."""
    from scheduler import pareto

    def search(watch: SearchWatch) -> list[Result]:
        return pareto.front(
            request.instance.problem,
            request.limits,
            points,
            seed=request.seed,
            solver=request.solver,
            cancel=watch.cancel,
        )

    return _watched(search, _schedules(request), quiet=quiet)


def _schedules(request: SolveRequest) -> Watched:
    from scheduler import portfolio

    def load() -> None:
        portfolio.warm_up(names=portfolio.taking_part(request.solver))

    return Watched(load, partial(_line, request))


def _watched(
    search: Callable[[SearchWatch], Found], how: Watched, *, quiet: bool
) -> tuple[Found, float]:
    """Search in a thread of its own, so that this one is always free to hear Ctrl-C.

    The kernels are loaded before: what that takes is not part of the time limit.
    """
    from scheduler import portfolio

    _prepare(how.prepare)
    newest: list[Any] = [None]
    watch = SearchWatch(partial(newest.__setitem__, 0), portfolio.Cancellation())
    future: Future[tuple[Found, float]] = Future()

    def run() -> None:
        began = time.perf_counter()
        try:
            future.set_result((search(watch), time.perf_counter() - began))
        except BaseException as error:
            future.set_exception(error)

    # A daemon, so that a second Ctrl-C ends the command even while it runs.
    thread = threading.Thread(target=run, name="search", daemon=True)
    with _ending_on_interrupt(watch.cancel), _display(quiet) as display:
        began = time.perf_counter()
        thread.start()
        while not _is_done(future):
            elapsed_s = time.perf_counter() - began
            display.show(f"{elapsed_s:6.1f} s  {how.line(newest[0])}")
    return future.result()


def _is_done(future: Future[Found]) -> bool:
    """Wait a little, and say whether it is over."""
    return not wait([future], timeout=LOOK_S).not_done


def _line(request: SolveRequest, progress: SearchProgress | None) -> str:
    if progress is None or progress.value is None:
        return "no schedule yet"
    is_time = request.objective not in {Objective.ENERGY, Objective.DEADLINE_MISSES}
    value, bound = (
        "unknown"
        if number is None
        else f"{request.instance.value(number) if is_time else number:,}"
        for number in (progress.value, progress.bound)
    )
    gap = "unknown"
    if progress.bound is not None:
        gap = f"{(progress.value - progress.bound) / max(progress.value, 1):.2%}"
    name = request.objective.value.replace("_", " ")
    claim = solutions.claim(progress.claimed_by)
    return f"{name} {value}  bound {bound}{claim}  gap {gap}  found by {progress.found_by}"


def _split_line(goal: Goal, report: Report | None) -> str:
    if report is None or report.value is None:
        return "no split yet"
    gap = (report.value - report.bound) / max(report.value, 1e-12)
    name = goal.value.replace("_", " ")
    return (
        f"{name} {report.value:,.4f}  bound {report.bound:,.4f}  gap {gap:.2%}  "
        f"found by {report.found_by}"
    )


def _prepare(load: Callable[[], None]) -> None:
    """Load the kernels that a search needs, and say so if they must be compiled first."""
    is_loaded = threading.Event()
    threading.Thread(target=_tell_if_compiling, args=[is_loaded], daemon=True).start()
    try:
        load()
    finally:
        is_loaded.set()


def _tell_if_compiling(is_loaded: threading.Event) -> None:
    # Time of the processor: on a busy box, loading takes long as well.
    until_s = time.process_time() + LOADING_S
    while not is_loaded.wait(LOOK_S):
        if time.process_time() > until_s:
            output.note("compiling the search kernels (once per installation)")
            return


@contextmanager
def _ending_on_interrupt(cancel: Cancellation) -> Iterator[None]:
    """Let the first Ctrl-C end the search and the next one the command."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def end(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        cancel.cancel()

    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _display(quiet: bool) -> Iterator[Display]:
    """Show lines on standard error, so that output stays clean."""
    console = Console(stderr=True, highlight=False)
    if quiet:
        yield _Nothing()
    elif console.is_terminal:
        with Live(console=console, transient=True, auto_refresh=False) as live:
            yield _Replaced(live)
    else:
        yield _Lines(lambda text: console.print(text, soft_wrap=True, markup=False))


class _Nothing:
    def show(self, text: str) -> None:
        """Show nothing."""


@dataclass
class _Replaced:
    live: Live

    def show(self, text: str) -> None:
        """Put the line where the one before it was."""
        self.live.update(text, refresh=True)


@dataclass
class _Lines:
    print_line: Callable[[str], None]
    next_s: float = 0.0

    def show(self, text: str) -> None:
        """Print a line, but not more often than a person reads."""
        now_s = time.monotonic()
        if now_s >= self.next_s:
            self.next_s = now_s + LINE_S
            self.print_line(text)

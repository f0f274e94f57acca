"""A search that the user watches, and ends with Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.live import Live

from scheduler.instances import Instance
from scheduler.model.objectives import Objective
from scheduler.model.schedule import Limits, Result

if TYPE_CHECKING:
    from scheduler.portfolio import Cancellation, Progress

LOOK_S = 0.1
LINE_S = 1.0
"""How often a line is printed where lines cannot be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about an instance."""

    instance: Instance
    solver: str
    objective: Objective
    limits: Limits
    seed: int


class Display(Protocol):
    """Shows how far a search is."""

    def show(self, text: str) -> None:
        """Show the newest line; called about every `LOOK_S`."""


def answered(question: Question, *, quiet: bool) -> tuple[Result, float]:
    """Search, show how far it is, end it at the first Ctrl-C; the result and how long it took.

    The kernels are loaded before: what that takes is not part of the time limit.
    """
    from scheduler import portfolio

    _prepare(question)
    cancel = portfolio.Cancellation()
    newest: list[Progress] = []
    future: Future[tuple[Result, float]] = Future()

    def search() -> None:
        began = time.perf_counter()
        try:
            result = portfolio.solve(
                question.instance.problem,
                question.solver,
                question.limits,
                question.seed,
                objective=question.objective,
                listener=lambda progress: newest.append(progress),
                cancel=cancel,
            )
            future.set_result((result, time.perf_counter() - began))
        except BaseException as error:
            future.set_exception(error)

    # A thread of its own, so that the main one is always free to hear Ctrl-C; a daemon, so that a
    # second one ends the command even then.
    thread = threading.Thread(target=search, name="search", daemon=True)
    with _ending_on_interrupt(cancel), _display(quiet) as display:
        began = time.perf_counter()
        thread.start()
        while True:
            try:
                return future.result(timeout=LOOK_S)
            except TimeoutError:
                if future.done():
                    raise
                line = _line(question, newest[-1] if newest else None)
                display.show(f"{time.perf_counter() - began:6.1f} s  {line}")


def _line(question: Question, progress: Progress | None) -> str:
    if progress is None or progress.value is None:
        return "no schedule yet"
    is_time = question.objective not in {Objective.ENERGY, Objective.DEADLINE_MISSES}
    value, bound = (
        "unknown"
        if number is None
        else f"{question.instance.value(number) if is_time else number:,}"
        for number in (progress.value, progress.bound)
    )
    gap = "unknown"
    if progress.bound is not None:
        gap = f"{(progress.value - progress.bound) / max(progress.value, 1):.2%}"
    name = question.objective.value.replace("_", " ")
    return f"{name} {value}  bound {bound}  gap {gap}  found by {progress.found_by}"


def _prepare(question: Question) -> None:
    """Load the kernels, and say so if that is going to take a while."""


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

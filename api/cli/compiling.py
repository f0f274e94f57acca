"""``fjord compile``: kernels of solvers compiled, once and on all cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Annotated

import typer

from api.cli import output
from api.process.children import die_with_parent

FIRST = (
    ("heft", "etf"),
    ("simulated_annealing", "tabu_search"),
    ("genetic", "path_relinking"),
    ("particle_swarm", "ant_colony"),
)
"""Solvers that share no large kernel, pair by pair; each pair needs the kernels of those before."""

SPLITS = "splits"
"""Kernels that splits of neural networks need."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compile")(compile_solvers)


def compile_solvers(
    placers: Annotated[
        bool, typer.Option("--placers", help="Only those that a service waits for when it starts.")
    ] = False,
) -> None:
    """Compile all solvers, so that nobody waits for one at its first use. Takes minutes, once.

    They are kept beside the code, or in the user's cache where that cannot be written.
    """
    rounds = list(_placers() if placers else _rounds())
    output.note(f"compiling {sum(map(len, rounds))} solvers; the first takes the longest")
    # Not forked: OR-Tools and compiled code have threads of their own.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=spawn, initializer=_end_with, initargs=(os.getpid(),)
    ) as pool:
        for names in rounds:
            for name in pool.map(_compiled, names):
                output.tell(f"compiled {name}")


def _end_with(parent: int) -> None:
    """Have this worker end with the command, which a signal may end between two rounds or in one.

    Left alone, it would compile to the end on all cores for nobody.
    """
    die_with_parent()
    if os.getppid() != parent:  # it ended before the kernel was told
        os._exit(1)


def _placers() -> Iterator[tuple[str, ...]]:
    """Solvers that a service places with: it takes office once they are compiled."""
    from scheduler import portfolio

    names = portfolio.placers()
    first = tuple(name for name in FIRST[0] if name in names)
    yield first
    yield tuple(name for name in names if name not in first)


def _rounds() -> Iterator[tuple[str, ...]]:
    """Solvers to compile side by side, one round after another."""
    from scheduler.solvers import registry

    yield from FIRST
    done = {name for names in FIRST for name in names}
    yield (*(name for name in registry.names() if name not in done), SPLITS)


def _compiled(name: str) -> str:
    from scheduler import portfolio, splitting

    if name == SPLITS:
        splitting.warm_up()
    else:
        portfolio.warm_up(names=(name,))
    return name

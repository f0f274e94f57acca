"""A site of this checkout, or of another one beside it, for as long as a benchmark needs it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from api.tools.demo.service import Service, running_service

HERE = Path(__file__).resolve().parent.parent
START_S = 300.0
"""A box that others keep busy takes minutes to prove its providers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Service):
    """A running ``fjord up`` of some checkout, and the name of its site."""

    name: str

    def children(self, words: str) -> list[psutil.Process]:
        """Processes below it that have these words in their command line, parents first."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        return [each for each in below if words in _command(each)]

    def child(self, words: str) -> psutil.Process:
        """The first of these processes.

        Raises
        ------
        LookupError
            If there is none.
        """
        found = self.children(words)
        if not found:
            raise LookupError(f"no process of {self.url} has {words!r} in its command line")
        return found[0]


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


@contextmanager
def site(checkout: Path = HERE, environment: Mapping[str, str] | None = None) -> Iterator[Site]:
    """Run a site of a checkout until the block ends, which begins when its machines take work.

    Its data folder is its own; that and the log in it go when the block ends.

    Raises
    ------
    Unavailable
        If it does not come up; the message has the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="fjord-", ignore_cleanup_errors=True) as folder:
        name = Path(folder).name
        # The code is that of the checkout also where its environment, or this folder, has another.
        code = {"PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1", "FJORD_SITE": name}
        with running_service(
            Path(folder),
            environment={**code, **(environment or {})},
            python=python_of(checkout),
            start_s=START_S,
        ) as up:
            yield Site(url=up.url, data_dir=up.data_dir, process=up.process, log=up.log, name=name)


def python_of(checkout: Path) -> str:
    """The interpreter of a checkout: for this one, the one that runs."""
    return sys.executable if checkout == HERE else str(checkout / ".venv" / "bin" / "python")


def add_beside(parser: argparse.ArgumentParser) -> None:
    """Add the option that names another checkout."""
    said = "another checkout with an environment in .venv, measured in turns"
    parser.add_argument("--beside", type=_checkout, metavar="CHECKOUT", help=said)


def _checkout(text: str) -> Path:
    found = Path(text).resolve()
    if not Path(python_of(found)).is_file():
        raise argparse.ArgumentTypeError(f"must have an environment in .venv; got {text}")
    return found


def checkouts(beside: Path | None) -> dict[str, Path]:
    """This checkout and the other one, if any, by their names in tables."""
    return {"this": HERE} | ({"beside": beside} if beside else {})

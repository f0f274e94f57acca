"""A reader who types all that a page shows, in a folder and at a site of their own.

python -m tests.docs.reader README.md                 reads a page
python -m tests.docs.reader --bin env/bin README.md   the same with the commands of env
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.process.ports import free_port
from tests.docs.blocks import Block, blocks
from tests.lint.sources import ROOT

SHOWN = ("docs", "examples", "tests")
"""Folders of the checkout that pages name; a reader sees links to them."""
UP_S = 120.0
COMMAND_S = 120.0
POLL_S = 0.05

_CHANGING = re.compile(r"\br-\w+|\b[0-9a-f]{8,}\b(\.{3})?|\d+(,\d{3})*(\.\d+)?(e-?\d+)?")


class Misleading(AssertionError):
    """A block does not do what its page says."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Types blocks into a shell.

    Parameters
    ----------
    home
        An empty folder: the home of the reader, and the folder in which all is typed.
    bin
        The folder of `fjord` and `python`.
    """

    home: Path
    bin: Path
    environment: dict[str, str] = field(default_factory=dict)
    ending: ExitStack = field(default_factory=ExitStack)

    def read(self, block: Block) -> None:
        """Save a block, or run it.

        Raises
        ------
        Misleading
            With the command and what it printed.
        """
        if block.file:
            path = self.home / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.body)
        elif not block.is_typed:
            return
        elif block.language == "console":
            for command, shown in block.typed():
                _compare(block, command, shown, self._type(block, command, shown))
        elif block.language == "sh":
            self._run(block, block.body)
        else:
            self._run(block, f"python -P - <<'END-OF-SNIPPET'\n{block.body}\nEND-OF-SNIPPET\n")

    def _type(self, block: Block, command: str, shown: list[str]) -> str:
        if command.split()[:2] != ["fjord", "up"]:
            return self._run(block, command)
        last = _masked(shown[-1]).split()[1:3]
        return self.ending.enter_context(self._up(block, command, last))

    def _run(self, block: Block, script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        if done.returncode:
            raise Misleading(f"{block}: {script}\nexit {done.returncode}\n{done.stderr}")
        return done.stdout

    @contextmanager
    def _up(self, block: Block, command: str, last: list[str]) -> Iterator[str]:
        """Keep a command that stays, once it has said the words of the last line shown."""
        port = self.environment["FJORD_URL"].rpartition(":")[2]
        log = self.home / "up.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [*command.split(), "--port", port],
                cwd=self.home,
                env=self.environment,
                executable=str(self.bin / "fjord"),
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            until = time.monotonic() + UP_S
            while " ".join(last) not in log.read_text():
                if process.poll() is not None or time.monotonic() > until:
                    raise Misleading(f"{block}: {command}\n{log.read_text()}")
                time.sleep(POLL_S)
            yield log.read_text().replace(str(self.home), "~")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _masked(line: str) -> str:
    """A line without what differs from run to run: numbers, ids, and the width of columns."""
    return " ".join(_CHANGING.sub("#", line).split())


def _compare(block: Block, command: str, shown: list[str], printed: str) -> None:
    """The first line shown was printed; those below it depend on the box."""
    if shown and _masked(shown[0]) not in {_masked(line) for line in printed.splitlines()}:
        raise Misleading(f"{block}: {command}\nshown: {shown[0]}\nprinted:\n{printed}")


@contextmanager
def reading(home: Path, folder: Path) -> Iterator[Reader]:
    """A reader with the commands of a folder; what was started ends with the block."""
    for name in SHOWN:
        (home / name).symlink_to(ROOT / name)
    port = free_port()
    reader = Reader(home, folder)
    kept = ("LANG", "LC_ALL", "NUMBA_DISABLE_JIT", "TMPDIR")
    reader.environment.update({name: os.environ[name] for name in kept if name in os.environ})
    reader.environment.update(
        HOME=str(home),
        PATH=f"{folder}:{os.environ['PATH']}",
        FJORD_URL=f"http://127.0.0.1:{port}",
        FJORD_SITE=f"reader-{port}",
        COLUMNS="200",
    )
    with reader.ending:
        yield reader


def commands(folder: Path) -> Path:
    """Make `fjord` and `python` of this environment in a folder of their own."""
    folder.mkdir()
    for name, module in (("fjord", '-P -m api.cli "$@"'), ("python", '"$@"')):
        (folder / name).write_text(f"#!/bin/sh\nexec {sys.executable} {module}\n")
        (folder / name).chmod(0o755)
    return folder


def main() -> int:
    """Read the pages of the command line; 1 if a block misleads."""
    parser = argparse.ArgumentParser(prog="tests.docs.reader")
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--bin", type=Path, help="where fjord and python are (this environment)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.bin.absolute() if options.bin else commands(Path(made) / "bin")
        for page in options.pages:
            home = Path(tempfile.mkdtemp(dir=made))
            with reading(home, folder) as reader:
                for block in blocks(page.resolve()):
                    began = time.perf_counter()
                    reader.read(block)
                    print(f"{time.perf_counter() - began:5.1f} s  {block}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

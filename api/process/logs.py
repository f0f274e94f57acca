"""Logs of the processes of a site, one file each in ``<data folder>/logs``.

Libraries print in colours and over many lines. The log keeps all of it, without the colours; the
user gets one line per message.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import fcntl
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging import Formatter, LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

FOLDER = "logs"
PARTS = ("up", "service", "agent", "store")
"""Processes with a log. Children of the service and of the agent write into those of the two."""
LARGEST_BYTES = 10 * 1024 * 1024
OLDER = 3
"""Files kept beside the newest one, as ``.1`` to ``.3``."""
CHUNK_BYTES = 65_536
LONGEST_LINE = 16_384
"""Characters after which a line that does not end is cut."""
LONGEST_TOLD = 200
"""Characters of a message that the user sees; the log has the rest."""
QUIET_S = 0.2
"""A message is whole once nothing has followed for so long."""
FORMAT = "%(asctime)s %(name)s: %(message)s"
REPEAT_S = 10.0
"""Least time from a message to the same one: what is away for long is asked for often."""
MOST_REMEMBERED = 100
PIPE_BYTES = 1024 * 1024
"""Room for output while its reader stands still: as much as Linux gives to everybody."""

# Colours and cursors (CSI), titles of windows (OSC), and control characters but the tabulator.
_CONTROLS = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]?\d*Z? ?")
_TRACEBACK = "Traceback (most recent call last)"


def log_file(data_dir: Path, part: str) -> Path:
    """Path of the log of a process; the store's lies with its data."""
    return (
        data_dir / "store" / "server.log" if part == "store" else data_dir / FOLDER / f"{part}.log"
    )


def log_to_stderr(form: str = FORMAT) -> None:
    """Send the warnings of this process to its output."""
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter(form))
    handler.addFilter(Repetitions())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


class Repetitions(logging.Filter):
    """Leaves out messages that were there less than `REPEAT_S` ago; the next one counts them."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, tuple[float, int]] = {}

    def filter(self, record: LogRecord) -> bool:
        """Say if a message is to be written."""
        text = record.getMessage()
        at_s, left_out = self._said.pop(text, (-REPEAT_S, 0))
        # A clock that was set back must not silence anything.
        if 0 <= record.created - at_s < REPEAT_S:
            self._said[text] = (at_s, left_out + 1)
            return False
        self._said[text] = (record.created, 0)
        if len(self._said) > MOST_REMEMBERED:
            del self._said[next(iter(self._said))]
        if left_out:
            record.msg, record.args = f"{text} (and {left_out} more times)", ()
        return True


class LogFile(RotatingFileHandler):
    """A log that is set aside when it is large, and of which a few older ones are kept."""

    def __init__(self, data_dir: Path, part: str) -> None:
        path = log_file(data_dir, part)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        super().__init__(path, maxBytes=LARGEST_BYTES, backupCount=OLDER, encoding="utf-8")
        self.setFormatter(Formatter(FORMAT))

    def write_line(self, line: str) -> None:
        """Write a line of another process as it is."""
        self.handle(_Plain(line))

    def note(self, line: str) -> None:
        """Write a line of our own, with its date."""
        self.handle(makeLogRecord({"name": "fjord", "msg": line}))

    def format(self, record: LogRecord) -> str:
        """Date our own messages; lines of others stay as they are."""
        return record.getMessage() if isinstance(record, _Plain) else super().format(record)

    def handleError(self, record: LogRecord) -> None:
        """Go on without the line: a full disk must not stop what is only watched."""


class _Plain(LogRecord):
    """A line of another process."""

    def __init__(self, line: str) -> None:
        super().__init__("", 0, "", 0, line, None, None)


def keep_small(path: Path) -> None:
    """Set a large log aside whose process writes it by itself; it goes on in an empty one.

    The file is copied and emptied, as its writer holds it open and appends.
    """
    if not path.exists() or path.stat().st_size <= LARGEST_BYTES:
        return
    path.with_name(f"{path.name}.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)


@dataclass(slots=True)
class Messages:
    """Lines and messages in the output of a process.

    A message begins at a line with a date, or at the first line after a pause; what follows belongs
    to it. Of a bare traceback the last line says most, of all others the first.
    """

    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )
    _rest: str = ""
    _first: str = ""
    _last: str = ""
    _count: int = 0

    def feed(self, data: bytes) -> tuple[list[str], list[str]]:
        """Take output in; return the lines that it completes, and the messages for the user."""
        *found, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        if len(self._rest) > LONGEST_LINE:
            found.append(self._rest)
            self._rest = ""
        lines = [_CONTROLS.sub("", line).rstrip() for line in found]
        told = [message for line in lines if line for message in self._take(line)]
        return lines, told

    def end(self) -> tuple[list[str], list[str]]:
        """Nothing follows for now: the last message is whole."""
        lines, told = self.feed(b"\n") if self._rest else ([], [])
        return lines, told + self._whole()

    def _take(self, line: str) -> list[str]:
        told = self._whole() if _DATE.match(line) else []
        self._first = self._first or line
        self._last = line
        self._count += 1
        return told

    def _whole(self) -> list[str]:
        if not self._count:
            return []
        head = self._last if self._first.startswith(_TRACEBACK) else self._first
        text = _DATE.sub("", head, count=1).strip()[:LONGEST_TOLD]
        more = f" (and {self._count - 1} more lines in the log)" if self._count > 1 else ""
        self._first, self._last, self._count = "", "", 0
        return [text + more]


class _Pump:
    """Carries the output of a process from a pipe to its log, and its messages to the user."""

    def __init__(self, source: int, log: LogFile, tell: Callable[[str], None]) -> None:
        self._source = source
        self._log = log
        self._tell = tell
        self._messages = Messages()
        self._quiet: asyncio.TimerHandle | None = None

    def carry(self) -> bool:
        """Take in what is there; ``False`` if nothing is."""
        try:
            data = os.read(self._source, CHUNK_BYTES)
        except BlockingIOError:
            return False
        self._pass_on(*self._messages.feed(data))
        return bool(data)

    def carry_soon_whole(self) -> None:
        """Take in what is there, and tell the last message if nothing follows."""
        self.carry()
        if self._quiet is not None:
            self._quiet.cancel()
        self._quiet = asyncio.get_running_loop().call_later(QUIET_S, self.end)

    def end(self) -> None:
        """Tell the last message."""
        self._pass_on(*self._messages.end())

    def close(self) -> None:
        """Take in the rest."""
        if self._quiet is not None:
            self._quiet.cancel()
        while self.carry():
            pass
        self.end()

    def _pass_on(self, lines: list[str], told: list[str]) -> None:
        for line in lines:
            self._log.write_line(line)
        for message in told:
            self._tell(message)


@contextmanager
def captured(data_dir: Path, part: str, tell: Callable[[str], None]) -> Iterator[int]:
    """Open a pipe for the output of a process, whichever of its successors that is.

    Nobody waits for the reader: what is written while the pipe is full is lost, with an error for
    the writer. A service must not stand still because the process above it does.

    Yields
    ------
    int
        The end to write to. All of it lands in the log of that part, one line per message in
        `tell`.
    """
    loop = asyncio.get_running_loop()
    source, sink = os.pipe()
    os.set_blocking(source, False)
    os.set_blocking(sink, False)
    with contextlib.suppress(OSError):
        fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with contextlib.closing(LogFile(data_dir, part)) as log:
        pump = _Pump(source, log, tell)
        loop.add_reader(source, pump.carry_soon_whole)
        try:
            yield sink
        finally:
            loop.remove_reader(source)
            pump.close()
            os.close(sink)
            os.close(source)

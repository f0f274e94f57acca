"""The measurements of a box in a folder: written once, never changed, read whole.

A folder holds segments: files of one row per line, each with a name of its own. Rows are appended
to the segment of their writer and forced to the disk before a write returns. Two processes never
share a segment, so boxes and processes may write at once, and folders are merged by their rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cost_models.profiles.measurement import Measurement, measurement_from
from scheduler.model.errors import InvalidMeasurement

SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class Rows:
    """Content of a folder.

    Parameters
    ----------
    measurements
        Each row once, in an order that depends on the content alone.
    warnings
        One sentence per line that was left out because a crash cut it off.
    """

    measurements: tuple[Measurement, ...]
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over all rows: the same data has the same digest on every box."""
        return data_digest(self.measurements)


class Store:
    """Appends rows to one segment of a folder.

    Parameters
    ----------
    folder
        Made if it is missing.
    writer
        Names the segment: it must be unique among those who write into the folder at once.
    """

    def __init__(self, folder: Path, writer: str) -> None:
        self.folder = folder
        self._path = folder / f"{writer}{SUFFIX}"
        self._is_mended = False

    def append(self, rows: Iterable[Measurement]) -> None:
        """Write rows; they are on the disk when it returns."""
        lines = "".join(_line(row) for row in rows).encode()
        if not lines:
            return
        is_new = self._mend()
        with self._path.open("ab") as segment:
            segment.write(lines)
            segment.flush()
            os.fsync(segment.fileno())
        if is_new:
            _sync_folder(self.folder)

    def _mend(self) -> bool:
        """Drop a line that was cut off, once, before the first row; true if the file is new."""
        if self._is_mended:
            return False
        self._is_mended = True
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            return True
        with self._path.open("r+b") as segment:
            segment.truncate(_end_of_whole_lines(segment.read()))
        return False


def read(folder: Path) -> Rows:
    """Read all segments of a folder.

    Raises
    ------
    InvalidMeasurement
        If there is no such folder, or a row cannot be used; it names the file and the line.
    """
    return read_all([folder])


def read_all(folders: Sequence[Path]) -> Rows:
    """Read several folders as one, without doubles.

    Raises
    ------
    InvalidMeasurement
        As `read` does.
    """
    found: dict[str, Measurement] = {}
    warnings: list[str] = []
    for folder in folders:
        for path in _segments(folder):
            for row in _rows_of(path, warnings):
                found.setdefault(row.row_digest, row)
    ordered = sorted(found.items(), key=lambda entry: (entry[1].at_us, entry[0]))
    return Rows(tuple(row for _, row in ordered), tuple(warnings))


class Survey:
    """Size of a folder, followed as it grows: only new lines are looked at.

    Attributes
    ----------
    rows
        Lines of all segments; a row that was merged in twice counts twice.
    families
        Families of networks, or models where the family is not known.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends: dict[Path, int] = {}
        self.rows = 0
        self.families: set[str] = set()

    def look(self) -> None:
        """Take in the lines that came since."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            begin = self._ends.get(path, 0)
            if path.stat().st_size <= begin:
                continue
            with path.open("rb") as segment:
                segment.seek(begin)
                content = segment.read()
            end = _end_of_whole_lines(content)
            self._ends[path] = begin + end
            for line in content[:end].splitlines():
                self._count(line)

    def _count(self, line: bytes) -> None:
        # The readers decide if rows can be used.
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            row = json.loads(line)
            self.families.add(str(row.get("family") or row.get("digest")))
            self.rows += 1


def merge(sources: Sequence[Path], into: Path) -> int:
    """Add to a folder the rows of others that it lacks, in one new segment; how many those were.

    Raises
    ------
    InvalidMeasurement
        If a row of any of them cannot be used; then nothing is written.
    """
    known = {row.row_digest for row in read(into).measurements} if into.is_dir() else set()
    news = [row for row in read_all(sources).measurements if row.row_digest not in known]
    if not news:
        return 0
    into.mkdir(parents=True, exist_ok=True)
    # Whole under another name first: a reader sees all of it or nothing.
    name = f"merged-{data_digest(news)[:16]}"
    draft = into / f"{name}.draft"
    with draft.open("wb") as segment:
        segment.write("".join(_line(row) for row in news).encode())
        segment.flush()
        os.fsync(segment.fileno())
    draft.replace(into / f"{name}{SUFFIX}")
    _sync_folder(into)
    return len(news)


def data_digest(rows: Iterable[Measurement]) -> str:
    """SHA-256 over rows, in any order."""
    total = hashlib.sha256()
    for digest in sorted({row.row_digest for row in rows}):
        total.update(digest.encode())
    return total.hexdigest()


def _segments(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InvalidMeasurement(
            f"folder must hold measurements; got {folder}, which is no folder", field="folder"
        )
    return sorted(folder.glob(f"*{SUFFIX}"))


def _rows_of(path: Path, warnings: list[str]) -> Iterator[Measurement]:
    content = path.read_bytes()
    end = _end_of_whole_lines(content)
    for number, line in enumerate(content[:end].splitlines(), start=1):
        if line.strip():
            yield _row(path, number, line)
    if content[end:].strip():
        number = content.count(b"\n") + 1
        warnings.append(f"{path.name} line {number} was cut off while it was written; left out")


def _row(path: Path, number: int, line: bytes) -> Measurement:
    place = f"{path.name} line {number}"
    try:
        document = json.loads(line)
    except ValueError as error:
        raise InvalidMeasurement(f"{place}: must be JSON; {error}", field=place) from error
    if not isinstance(document, dict):
        raise InvalidMeasurement(f"{place}: must be an object; got {document!r:.80}", field=place)
    try:
        return measurement_from(document)
    except InvalidMeasurement as error:
        raise InvalidMeasurement(f"{place}: {error.message}", field=place) from error


def _line(row: Measurement) -> str:
    return json.dumps(row.to_dict(), sort_keys=True, separators=(",", ":")) + "\n"


def _end_of_whole_lines(content: bytes) -> int:
    """End of the last whole line: bytes after it were being written when the writer died."""
    return content.rfind(b"\n") + 1


def _sync_folder(folder: Path) -> None:
    # A new name is on the disk only when its folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

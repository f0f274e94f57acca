"""Modes as rows of numbers, read from their objects once.

A planner that plans again and again meets the same modes: those of operations pending before, and
tuples of modes shared by all operations of a kind. Reading attributes of objects takes most of the
time of an array form; rows that were read before cost a look into a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from scheduler.model.problem import Mode, Operation

Int = NDArray[np.int32]
Long = NDArray[np.int64]

MACHINE, FAMILY, US, P95_US, SETUP_US, ENERGY_UJ, RESIDENT_BYTES, PEAK_BYTES = range(8)
"""Columns of a table."""
_WIDTH = 8
_ROW_BYTES = _WIDTH * 8
_BLOCK = 4096
"""Modes read at once. Their objects and numbers fit the cache of a core, and a reader of more modes
calls `pause` in between."""
MOST_MODES = 2**16
"""Most rows of modes that are kept; they take some 15 MB with their objects."""


@dataclass(slots=True)
class ModeTable:
    """Modes of several operations, grouped by operation.

    Parameters
    ----------
    lengths
        Per operation, its number of modes.
    rows
        ``[mode, column]``; machines and families are numbers of `names`.
    """

    lengths: Int
    rows: Long
    names: dict[str, int]

    def numbered(self, column: int, numbers: dict[str, int]) -> Long:
        """Column of names, in the numbers that a problem gives them; it must know all of them."""
        table = np.zeros(len(self.names), np.int64)
        for name, number in numbers.items():
            known = self.names.get(name)
            if known is not None and known < len(table):
                table[known] = number
        numbered: Long = table[self.rows[:, column]]
        return numbered

    def families(self) -> list[str]:
        """Name the families, in order of appearance."""
        if not self.rows[:, FAMILY].any():
            return [""]
        codes, first = np.unique(self.rows[:, FAMILY], return_index=True)
        names = list(self.names)
        return [names[code] for code in codes[np.argsort(first)].tolist()]


_Known = dict[int, tuple[tuple[Mode, ...], bytes]]
"""Rows by the identity of the tuple of modes. The tuple is kept, so that no other takes its id."""


class ModeRows:
    """Cache of the rows of the last two tables. Safe to use from several threads."""

    def __init__(self, most: int = MOST_MODES) -> None:
        self._most = most
        self._lock = Lock()
        self._forget()

    def table(
        self, operations: Sequence[Operation], pause: Callable[[], None] = lambda: None
    ) -> ModeTable:
        """Table of modes to choose from; a started operation has only the one it runs in.

        Parameters
        ----------
        pause
            Called between blocks of modes; an exception from it ends the reading.
        """
        known, names = self._recalled([operation.modes for operation in operations], pause)
        pieces = []
        for operation in operations:
            piece = known[id(operation.modes)][1]
            if operation.progress is not None:
                at = operation.progress.mode * _ROW_BYTES
                piece = piece[at : at + _ROW_BYTES]
            pieces.append(piece)
        lengths = np.array([len(piece) // _ROW_BYTES for piece in pieces], np.int32)
        pause()
        table = np.frombuffer(b"".join(pieces), np.int64).reshape(-1, _WIDTH)
        return ModeTable(lengths, table, names)

    def _forget(self) -> None:
        self._newer: _Known = {}
        self._older: _Known = {}
        self._names = {"": 0}

    def _recalled(
        self, wanted: Sequence[tuple[Mode, ...]], pause: Callable[[], None]
    ) -> tuple[_Known, dict[str, int]]:
        """Rows of these tuples of modes, and their lengths; unknown ones are read and kept."""
        with self._lock:
            found: _Known = {}
            fresh: dict[int, tuple[Mode, ...]] = {}
            for modes in wanted:
                key = id(modes)
                row = self._newer.get(key) or self._older.get(key)
                if row is None:
                    fresh[key] = modes
                else:
                    found[key] = row
            names = self._names
            for block in _blocks(fresh.values()):
                pause()
                found.update(_learned(names, block))
            self._older, self._newer = self._newer, found
            if sum(len(modes) for modes, _ in found.values()) > self._most or (
                len(names) > self._most
            ):
                self._forget()
            return found, names


def _blocks(fresh: Iterable[tuple[Mode, ...]]) -> Iterator[list[tuple[Mode, ...]]]:
    block: list[tuple[Mode, ...]] = []
    count = 0
    for row in fresh:
        block.append(row)
        count += len(row)
        if count >= _BLOCK:
            yield block
            block, count = [], 0
    if block:
        yield block


def _learned(names: dict[str, int], block: Sequence[tuple[Mode, ...]]) -> _Known:
    data = _rows(names, [mode for row in block for mode in row]).tobytes()
    found: _Known = {}
    at = 0
    for row in block:
        end = at + len(row) * _ROW_BYTES
        found[id(row)] = row, data[at:end]
        at = end
    return found


def _rows(names: dict[str, int], modes: Sequence[Mode]) -> Long:
    """``[mode, column]``."""
    # Comprehensions of plain attributes, because they read thousands of objects fastest.
    rows = np.zeros((len(modes), _WIDTH), np.int64)
    rows[:, MACHINE] = _numbers(names, [mode.machine for mode in modes])
    rows[:, US] = _long([mode.duration_us for mode in modes])
    rows[:, P95_US] = rows[:, US]
    if [
        mode
        for mode in modes
        if mode.family
        or mode.duration_p95_us is not None
        or mode.setup_us
        or mode.energy_uj
        or mode.resident_bytes
        or mode.peak_bytes
    ]:
        _add_rest(rows, names, modes)
    return rows


def _add_rest(rows: Long, names: dict[str, int], modes: Sequence[Mode]) -> None:
    """Fill the columns that most problems leave empty."""
    rows[:, FAMILY] = _numbers(names, [mode.family for mode in modes])
    p95s_us = [mode.duration_p95_us for mode in modes]
    known_us = zip(rows[:, US].tolist(), p95s_us, strict=True)
    rows[:, P95_US] = _long([us if p95_us is None else p95_us for us, p95_us in known_us])
    rows[:, SETUP_US] = _long([mode.setup_us for mode in modes])
    rows[:, ENERGY_UJ] = _long([mode.energy_uj for mode in modes])
    rows[:, RESIDENT_BYTES] = _long([mode.resident_bytes for mode in modes])
    rows[:, PEAK_BYTES] = _long([mode.peak_bytes for mode in modes])


def _long(values: Sequence[int]) -> Long:
    return np.fromiter(values, np.int64, len(values))


def _numbers(names: dict[str, int], found: Sequence[str]) -> Long:
    for name in dict.fromkeys(found):
        names.setdefault(name, len(names))
    return np.fromiter(map(names.__getitem__, found), np.int64, len(found))

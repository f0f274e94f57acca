"""Questions for a list of runs, and the places where its pages begin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from scheduler.control.records import RunRecord, RunState
from scheduler.model.errors import InvalidInput
from scheduler.model.problem import Band

_UNITS_US = {"s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}
_SPAN = re.compile(r"(\d{1,9})([smhd])")
_MICROSECONDS = re.compile(r"\d{1,18}")
_CURSOR = re.compile(r"(\d{1,18})\.([A-Za-z0-9._-]{1,128})")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cursor:
    """The place of a run in a list: the latest come first, then by id from behind."""

    submitted_us: int
    run: str

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """The place of a run."""
        return cls(submitted_us=record.submitted_us, run=record.run)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a cursor that `str` wrote.

        Raises
        ------
        InvalidInput
            If it is no cursor.
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            law = "cursor must be the `next` of an earlier answer"
            raise InvalidInput(f"{law}; got {text[:80]!r}", field="cursor")
        return cls(submitted_us=int(found[1]), run=found[2])

    def __str__(self) -> str:
        return f"{self.submitted_us}.{self.run}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """A choice of runs; a field that is not given does not matter.

    Parameters
    ----------
    workload
        A name, for all its versions, or ``name@version``.
    since_us, until_us
        Bounds on the submission, the first included and the second not.
    after
        Only runs later in the list than this place.
    """

    workload: str = ""
    band: Band | None = None
    state: RunState | None = None
    kind: str = ""
    since_us: int = 0
    until_us: int | None = None
    after: Cursor | None = None

    def wants(self, record: RunRecord) -> bool:
        """Say if a run is among those wanted."""
        return (
            self.since_us <= record.submitted_us
            and (self.until_us is None or record.submitted_us < self.until_us)
            and (self.after is None or Cursor.of(record) < self.after)
            and self.workload in {"", record.workload, name_of(record.workload)}
            and self.band in {None, record.band}
            and self.state in {None, record.state}
            and self.kind in {"", record.kind}
        )

    @property
    def latest_us(self) -> int | None:
        """No run that is wanted was submitted after this; ``None`` for any time."""
        bounds = [] if self.until_us is None else [self.until_us]
        if self.after is not None:
            bounds.append(self.after.submitted_us)
        return min(bounds, default=None)


def name_of(workload: str) -> str:
    """The name of a workload without its version."""
    return workload.partition("@")[0]


def moment_us(text: str, now_us: int, field: str) -> int:
    """Read a time: ``2h`` for two hours ago (s, m, h, d), ISO 8601, or microseconds.

    Raises
    ------
    InvalidInput
        If it is none of these.

    Examples
    --------
    >>> moment_us("2h", 10_000_000_000, "since"), moment_us("1970-01-01T00:01Z", 0, "since")
    (2800000000, 60000000)
    """
    if span := _SPAN.fullmatch(text):
        return max(0, now_us - int(span[1]) * _UNITS_US[span[2]])
    if _MICROSECONDS.fullmatch(text):
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        law = f"{field} must be a span such as 90m, 2h or 7d, an ISO 8601 time or microseconds"
        raise InvalidInput(f"{law}; got {text[:80]!r}", field=field) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return max(0, round(found.timestamp() * 1_000_000))

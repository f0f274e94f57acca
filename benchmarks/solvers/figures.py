"""From records to figures: gaps, proofs, and how soon."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from benchmarks.solvers.records import Record

TIMES_S = (0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0)
WITH_ANSWER = frozenset({"proven", "found", "none", "refused", "failed"})
"""Statuses of competitors that can express the problem."""
REFERENCE = "anytime_reference.csv"
AT = "obj_at_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over those that have a value, and how many have none.

    Parameters
    ----------
    gap
        Share of the best-known value, ``None`` if nobody has a value.
    """

    gap: float | None
    missing: int

    def __str__(self) -> str:
        text = "-" if self.gap is None else f"{100 * self.gap:.2f}"
        return f"{text} ({self.missing} none)" if self.missing else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A competitor on a family.

    Parameters
    ----------
    at_best
        Number of runs that reached the best-known value.
    anytime
        Mean gap at each of some times.
    """

    family: str
    competitor: str
    runs: int
    final: Mean
    at_best: int
    proven: int
    elapsed_s: float
    anytime: tuple[Mean, ...]


def references(records: Iterable[Record]) -> dict[str, float]:
    """Value per instance to measure gaps against: best known, or else best of these records."""
    best: dict[str, float] = {}
    known: dict[str, float] = {}
    for record in records:
        name = record.key[0]
        if record.upper is not None:
            known[name] = record.upper
        if record.value is not None:
            best[name] = min(record.value, best.get(name, record.value))
    return best | known


def exceeds(value: float, other: float) -> bool:
    """True if a value is larger by more than the rounding of published values."""
    return value > other + 1e-6 * abs(other)


def mean_gap(pairs: Iterable[tuple[float | None, float]]) -> Mean:
    """Mean of ``(value - reference) / reference``.

    Examples
    --------
    >>> str(mean_gap([(11.0, 10.0), (10.0, 10.0), (None, 10.0)]))
    '5.00 (1 none)'
    """
    pairs = list(pairs)
    gaps = [(value - reference) / reference for value, reference in pairs if value is not None]
    return Mean(gap=fmean(gaps) if gaps else None, missing=len(pairs) - len(gaps))


def rows(records: Sequence[Record], times_s: Sequence[float]) -> list[Row]:
    """Per family, and over all of a set with several, a row per competitor."""
    best = references(records)
    grouped: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.status in WITH_ANSWER and record.key[0] in best:
            for family in _groups(record):
                grouped.setdefault((family, record.competitor), []).append(record)
    grouped = _without_lone_families(grouped)
    return [
        _row(family, competitor, found, best, times_s)
        for (family, competitor), found in sorted(grouped.items())
    ]


def _groups(record: Record) -> tuple[str, ...]:
    top = record.family.partition("/")[0]
    return (record.family,) if top == record.family else (record.family, f"{top} (all)")


def _without_lone_families(
    grouped: dict[tuple[str, str], list[Record]],
) -> dict[tuple[str, str], list[Record]]:
    """Leave out the sum over a set of which there is one family only."""
    families = {family for family, _ in grouped}
    tops = [family.partition("/")[0] for family in families if "/" in family]
    lone = {f"{top} (all)" for top in tops if tops.count(top) == 1}
    return {key: found for key, found in grouped.items() if key[0] not in lone}


def _row(
    family: str,
    competitor: str,
    found: Sequence[Record],
    best: dict[str, float],
    times_s: Sequence[float],
) -> Row:
    return Row(
        family=family,
        competitor=competitor,
        runs=len(found),
        final=mean_gap((r.value, best[r.key[0]]) for r in found),
        at_best=sum(r.value is not None and not exceeds(r.value, best[r.key[0]]) for r in found),
        proven=sum(r.status == "proven" for r in found),
        elapsed_s=fmean(r.elapsed_s for r in found),
        anytime=tuple(mean_gap((r.at(t), best[r.key[0]]) for r in found) for t in times_s),
    )


def published(data: Path, records: Sequence[Record], times_s: Sequence[float]) -> list[Row]:
    """Published anytime values of others, on the instances of these records."""
    tables = {record.family.partition("/")[0] for record in records}
    found: list[Record] = []
    for table in sorted(tables):
        file = data / table / REFERENCE
        if file.is_file():
            found += _published(file, [r for r in records if r.family.partition("/")[0] == table])
    first_s = min((record.trace[0][0] for record in found if record.trace), default=0.0)
    return [_from(first_s, row, times_s) for row in rows(found, times_s)]


def _from(first_s: float, row: Row, times_s: Sequence[float]) -> Row:
    """Say nothing about times before the first that was published."""
    unknown = Mean(gap=None, missing=0)
    pairs = zip(times_s, row.anytime, strict=True)
    return replace(row, anytime=tuple(m if t >= first_s else unknown for t, m in pairs))


def _published(file: Path, records: Sequence[Record]) -> list[Record]:
    families = {record.name: (record.family, record.upper) for record in records}
    found = []
    with file.open(newline="", encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            if line["instance"] not in families:
                continue
            family, upper = families[line["instance"]]
            points = [
                [float(column.removeprefix(AT).removesuffix("s")), float(value)]
                for column, value in line.items()
                if column.startswith(AT) and value
            ]
            found.append(
                Record(
                    family=family,
                    name=line["instance"],
                    competitor=f"{line['solver']}, {line['workers']} workers, published",
                    version="",
                    time_s=0.0,
                    workers=int(line["workers"]),
                    seed=0,
                    lower=None,
                    upper=upper or float(line["best_known_ub"]),
                    status="found",
                    elapsed_s=max((at for at, _ in points), default=0.0),
                    trace=points,
                )
            )
    return found

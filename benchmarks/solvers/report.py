"""The tables of `docs/archive/solvers.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.conditions import machine
from benchmarks.solvers.figures import TIMES_S, Row, exceeds, published, rows
from benchmarks.solvers.records import Record

HEADING = "## The solvers"


def text(records: Sequence[Record], data: Path) -> str:
    """All tables, a section per time limit and number of workers."""
    limits = sorted({(record.time_s, record.workers) for record in records})
    parts = [HEADING, _preamble(records)]
    for time_s, workers in limits:
        chosen = [r for r in records if (r.time_s, r.workers) == (time_s, workers)]
        parts += _section(chosen, time_s, workers, data)
    return "\n\n".join(parts) + "\n"


def _preamble(records: Iterable[Record]) -> str:
    versions = sorted({f"{_kind(r)} {r.version}" for r in records})
    seeds = ", ".join(str(seed) for seed in sorted({r.seed for r in records}))
    return (
        "`make bench-solvers`: one process per run, competitors in turn, wall time from the moment "
        "at which the problem is in memory; every schedule is judged by the independent checker. "
        "Gap: mean of (value - best known) / best known in %, over the runs that have a value; "
        "where no value is known, against the best of these runs.\n"
        f"{machine()}; {'; '.join(versions)}; seeds {seeds}."
    )


def _kind(record: Record) -> str:
    return "with" if record.version.startswith(("ortools", "pyjobshop")) else "Fjord at"


def _section(records: Sequence[Record], time_s: float, workers: int, data: Path) -> Iterator[str]:
    times_s = [at for at in TIMES_S if at <= time_s]
    found = rows(records, times_s)
    yield f"### {time_s:g} s, {workers} worker{'s' if workers > 1 else ''}"
    yield _table(
        ("family", "solver", "runs", "gap %", "at best known", "proven", "mean s"),
        map(_final, found),
    )
    yield "Mean gap % as time passes:"
    beside = published(data, records, times_s)
    both = sorted((*found, *beside), key=lambda row: row.family)
    columns = ("family", "solver", *(f"{at:g} s" for at in times_s))
    yield _table(columns, map(_anytime, both))
    yield from _remarks(records)


def _final(row: Row) -> tuple[str, ...]:
    return (
        row.family,
        f"`{row.competitor}`",
        str(row.runs),
        str(row.final),
        f"{row.at_best / row.runs:.0%}",
        f"{row.proven / row.runs:.0%}",
        f"{row.elapsed_s:.2f}",
    )


def _anytime(row: Row) -> tuple[str, ...]:
    name = row.competitor if " " in row.competitor else f"`{row.competitor}`"
    return (row.family, name, *map(str, row.anytime))


def _table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    head = f"| {' | '.join(columns)} |"
    ruler = "|" + "|".join(["---", "---", *("--:" for _ in columns[2:])]) + "|"
    return "\n".join([head, ruler, *(f"| {' | '.join(line)} |" for line in lines)])


def _remarks(records: Sequence[Record]) -> Iterator[str]:
    """Lines that need a second look: values below the best known, and runs that went wrong."""
    better = sorted(
        {
            f"{r.name} {r.value:g} (best known {r.upper:g}) by `{r.competitor}`"
            for r in records
            if r.value is not None and r.upper is not None and exceeds(r.upper, r.value)
        }
    )
    if better:
        yield f"Better than the best known: {'; '.join(better)}."
    wrong = sorted(
        f"{r.name} by `{r.competitor}`: {r.status}, {(r.violations or [r.why])[0]}"
        for r in records
        if r.status in {"refused", "failed"}
    )
    below = sorted(
        f"{r.name} by `{r.competitor}`: {r.value:g} is below the proven bound {r.lower:g}"
        for r in records
        if r.value is not None and r.lower is not None and exceeds(r.lower, r.value)
    )
    if wrong or below:
        yield f"Went wrong: {'; '.join((*wrong, *below))}."
    if unsupported := sorted({f"`{r.competitor}`" for r in records if r.status == "unsupported"}):
        yield f"No words for some of the problems: {', '.join(unsupported)}; not counted there."

"""The instances that are run, and their best-known values.

A data folder holds one folder per set, with a `best_known.csv` whose columns begin with
``instance,lower_bound,upper_bound,source``; a column ``file`` names the file of an instance, a
column ``family`` the family it is reported with.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

BUILT_IN = Path(__file__).parents[2] / "tests" / "data" / "instances"
BEST_KNOWN = "best_known.csv"
NO_INSTANCE = frozenset({".csv", ".md", ""})
OTHER_OBJECTIVE = "max_load"
"""Of splits of networks, which are no schedules."""
PROCESSORS = re.compile(r"@(\d+)$")


class UnknownSet(Exception):
    """There is no such set of instances in the data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One instance.

    Parameters
    ----------
    family
        Instances that are reported together, such as ``fjsp/dauzere``.
    lower, upper
        Best-known bounds in the units of the file.
    processors
        Number of equal machines, for a file that does not name them.
    """

    family: str
    name: str
    file: Path
    lower: float | None = None
    upper: float | None = None
    processors: int | None = None

    @property
    def key(self) -> str:
        """Unique among all cases."""
        return f"{self.family}:{self.name}"

    def as_dict(self) -> dict[str, Any]:
        """Give it in plain data."""
        return {**asdict(self), "file": str(self.file)}


def of_sets(names: Sequence[str], data: Path, *, per_family: int | None = None) -> list[Case]:
    """Instances of some sets, families in turn, so that a run that is cut off has seen them all.

    Parameters
    ----------
    names
        Sets, or families such as ``fjsp/dauzere`` or ``fjsp_dag/yfjs_transport``.
    per_family
        Largest number of instances of each family; they are spread evenly over it.

    Raises
    ------
    UnknownSet
        If the folder has none of that name.
    """
    families: dict[str, list[Case]] = {}
    for case in chain.from_iterable(_of_set(name, data) for name in names):
        families.setdefault(case.family, []).append(case)
    kept = [_spread(cases, per_family) for cases in families.values()]
    return [case for turn in zip_longest(*kept) for case in turn if case is not None]


def _spread(cases: list[Case], most: int | None) -> list[Case]:
    if most is None or most >= len(cases):
        return cases
    return [cases[index * len(cases) // most] for index in range(most)]


def _of_set(name: str, data: Path) -> list[Case]:
    top, _, family = name.partition("/")
    folder = data / top
    if not folder.is_dir():
        found_sets = sorted(path.name for path in data.glob("*/") if path.is_dir())
        known = ", ".join(found_sets) or f"none, as {data} has none"
        raise UnknownSet(f"set must be one of {known}; got {top!r}")
    known_cases = list(_rows(folder))
    found = [c for c in known_cases if not family or f"{c.family}/".startswith(f"{name}/")]
    if not found:
        found = list(_files(folder / family, name))
    if not found:
        families = ", ".join(sorted({case.family for case in known_cases}))
        raise UnknownSet(f"{folder} must have instances of {name!r}; it has {families or 'none'}")
    return found


def _rows(folder: Path) -> Iterator[Case]:
    """Instances that the table of the set names and the folder has."""
    table = folder / BEST_KNOWN
    if not table.is_file():
        return
    with table.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            file = _file(folder, row)
            if file is None or row.get("objective", "").startswith(OTHER_OBJECTIVE):
                continue
            processors = PROCESSORS.search(row["instance"])
            yield Case(
                family=_family(folder, row, file),
                name=row["instance"],
                file=file,
                lower=_number(row["lower_bound"]),
                upper=_number(row["upper_bound"]),
                processors=int(processors[1]) if processors else None,
            )


def _file(folder: Path, row: dict[str, str]) -> Path | None:
    name = row.get("file") or ""
    if name:
        return folder / name if (folder / name).is_file() else None
    path, _, last = row["instance"].rpartition("/")
    found = sorted((folder / path).glob(f"**/{last}.*")) if (folder / path).is_dir() else []
    return found[0] if found else None


def _family(folder: Path, row: dict[str, str], file: Path) -> str:
    parts = file.parent.relative_to(folder).parts
    return "/".join((folder.name, row.get("family") or "/".join(parts))).rstrip("/")


def _files(folder: Path, family: str) -> Iterator[Case]:
    """Instances without a best-known value."""
    for file in sorted(folder.glob("**/*")) if folder.is_dir() else ():
        if file.is_file() and file.suffix not in NO_INSTANCE:
            yield Case(family=family, name=file.name.partition(".")[0], file=file)


def _number(text: str | None) -> float | None:
    return float(text) if text else None

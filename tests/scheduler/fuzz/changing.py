"""Questions near a question, and smaller ones: both by changes to the document that states it.

Nothing here knows the meaning of a field. Unlawful results of a change are left out; references to
removed things are mended first, because nearly every change would be unlawful otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

from scheduler.model.errors import InvalidInput
from scheduler.model.objectives import Objective
from tests.scheduler.fuzz.cases import Case, from_json, objectives, to_json

Document = dict[str, Any]
Path = tuple[str | int, ...]
NEEDED = {"version", "machines", "jobs", "operations", "modes", "assignments"}
NEEDED |= {"id", "job", "machine", "source", "target", "resource"}
"""Keys without which there is no document to mend."""
TRIES = 40
MOST_STEPS = 30


def near(case: Case, random: Random) -> Case:
    """A lawful question that differs from this one in one to four places."""
    original = to_json(case)
    for _ in range(TRIES):
        document = copy.deepcopy(original)
        for _ in range(random.randint(1, 4)):
            random.choice(_CHANGES)(document, random)
        found = lawful(document)
        if found is not None:
            return found
    return case


def smallest(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Leave things out and make numbers smaller while the question still fails the same way.

    Lists lose an item and objects a key; a number becomes 0, 1, half of it or one less.
    """
    document, shrinks = to_json(case), True
    while shrinks:
        shrinks = False
        for change in list(_reductions(document)):
            smaller = change(document)
            found = None if smaller is None else lawful(smaller)
            if found is not None and fails(found):
                document, shrinks = to_json(found), True
    return from_json(document)


def lawful(document: Document) -> Case | None:
    """The question that a document states; ``None`` if it is against a law, or lacks its data."""
    try:
        found = from_json(_mended(document))
    except InvalidInput:
        return None
    has_data = found.objective in objectives(found.problem)
    return found if found.problem.operations and has_data else None


def _paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Paths to all values of a document, containers before their items."""
    yield at
    if isinstance(value, dict):
        for key in value:
            yield from _paths(value[key], (*at, key))
    elif isinstance(value, list):
        # From the end, so that leaving out an item does not move the next ones.
        for i in reversed(range(len(value))):
            yield from _paths(value[i], (*at, i))


def _get(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _numbers(document: Document) -> list[Path]:
    """Paths to whole numbers, but for those that count from 0 in a list."""
    return [
        path
        for path in _paths(document["problem"], ("problem",))
        if type(_get(document, path)) is int and path[-1] not in {"mode", "version"}
    ]


def _move_number(document: Document, random: Random) -> None:
    numbers = _numbers(document)
    if numbers:
        *above, last = random.choice(numbers)
        step = random.choice([-2, -1, 1, 2, 5])
        _get(document, tuple(above))[last] += step


def _drop(document: Document, random: Random) -> None:
    lists = [p for p in _paths(document["problem"], ("problem",)) if _items(document, p)]
    if lists:
        chosen = _get(document, random.choice(lists))
        del chosen[random.randrange(len(chosen))]


def _items(document: Document, path: Path) -> bool:
    value = _get(document, path)
    return isinstance(value, list) and len(value) > 0


def _double(document: Document, random: Random) -> None:
    """Give an operation a mode of another one, or another operation the way it is."""
    # An earlier change may have left no choice.
    operations = [o for o in document["problem"]["operations"] if o["modes"]]
    if not operations:
        return
    one, other = random.choice(operations), random.choice(operations)
    if random.random() < 0.5 or len(operations) >= 7:
        one["modes"].append(copy.deepcopy(random.choice(other["modes"])))
    else:
        names = {o["id"] for o in document["problem"]["operations"]}
        name = next(f"n{i}" for i in range(len(names) + 1) if f"n{i}" not in names)
        document["problem"]["operations"].append({**copy.deepcopy(one), "id": name})


def _join(document: Document, random: Random) -> None:
    names = [o["id"] for o in document["problem"]["operations"]]
    if len(names) > 1:
        source, target = random.sample(names, 2)
        document["problem"].setdefault("edges", []).append({"source": source, "target": target})


def _move_date(document: Document, random: Random) -> None:
    job = random.choice(document["problem"]["jobs"] or [{}])
    field = random.choice(["release_us", "due_us", "deadline_us", "weight", "band"])
    bands = ["critical", "high", "normal", "background"]
    job[field] = random.choice(bands) if field == "band" else random.randint(0, 30)


def _ask_otherwise(document: Document, random: Random) -> None:
    document["objective"] = random.choice(list(Objective)).value


def _begin_otherwise(document: Document, random: Random) -> None:
    """Begin with a plan in which everything has its first mode, or with none."""
    document["warm_start"] = None
    if random.random() < 0.5:
        assignments = [
            {
                "operation": o["id"],
                "mode": 0,
                "machine": o["modes"][0]["machine"],
                "start_us": i,
                "end_us": i + o["modes"][0]["duration_us"],
            }
            for i, o in enumerate(document["problem"]["operations"])
            if o["modes"]
        ]
        document["warm_start"] = {"version": 1, "assignments": assignments}


_CHANGES = (
    _move_number,
    _move_number,
    _move_number,
    _drop,
    _double,
    _join,
    _move_date,
    _ask_otherwise,
    _begin_otherwise,
)


def _reductions(document: Document) -> Iterator[Callable[[Document], Document | None]]:
    if document["warm_start"] is not None:
        yield partial(_without, path=("warm_start",))
    for part in ("problem", "warm_start"):
        for path in _paths(document[part], (part,)):
            if len(path) > 1 and path[-1] not in NEEDED:
                yield partial(_without, path=path)
    for path in _numbers(document):
        for smaller in _SMALLER:
            yield partial(_with, path=path, smaller=smaller)


_SMALLER: tuple[Callable[[int], int], ...] = (
    lambda n: 0,
    lambda n: 1,
    lambda n: n // 2,
    # Skipped for large problems, because it would take very long.
    lambda n: n - 1 if n <= MOST_STEPS else n,
)


def _without(document: Document, path: Path) -> Document | None:
    """The document without what is at a path; ``None`` if that is gone already."""
    smaller = copy.deepcopy(document)
    try:
        *above, last = path
        del _get(smaller, tuple(above))[last]
    except (KeyError, IndexError, TypeError):
        return None
    return smaller


def _with(document: Document, path: Path, smaller: Callable[[int], int]) -> Document | None:
    changed = copy.deepcopy(document)
    try:
        *above, last = path
        inside = _get(changed, tuple(above))
        if inside[last] <= smaller(inside[last]):
            return None
        inside[last] = smaller(inside[last])
    except (KeyError, IndexError, TypeError):
        return None
    return changed


def _mended(document: Document) -> Document:
    """The document without references to missing things, and without empty jobs."""
    problem = document["problem"]
    machines = {m["id"] for m in problem["machines"]}
    devices = {m.get("device") or m["id"] for m in problem["machines"]}
    resources = {r["id"] for r in problem.get("resources", ())}
    for operation in problem["operations"]:
        operation["modes"] = [m for m in operation["modes"] if m["machine"] in machines]
        for mode in operation["modes"]:
            found = [d for d in mode.get("demands", ()) if d["resource"] in resources]
            mode["demands"] = found
    problem["operations"] = [o for o in problem["operations"] if o["modes"]]
    names = {o["id"] for o in problem["operations"]}
    problem["edges"] = [
        e for e in problem.get("edges", ()) if e["source"] in names and e["target"] in names
    ]
    problem["links"] = [
        w for w in problem.get("links", ()) if w["source"] in devices and w["target"] in devices
    ]
    used = {o["job"] for o in problem["operations"]}
    problem["jobs"] = [j for j in problem["jobs"] if j["id"] in used]
    return document

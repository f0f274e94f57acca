"""Random small problems. Tiny on purpose: an optimum takes CP-SAT milliseconds.

Each feature can be left out, for solvers that do not take it into account. Unless deadlines are
asked for, every problem has a schedule: all operations one after another on the first machine, in
the modes that are marked as `HOME`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from scheduler.model.problem import (
    Band,
    Job,
    Link,
    Machine,
    Mode,
    Operation,
    Problem,
    Progress,
    Resource,
)
from scheduler.solvers.registry import Feature
from tests import builders

ALL = frozenset(Feature)
SETUPS = frozenset({Feature.SETUPS, Feature.KEPT_SETUPS})
DURATIONS = st.integers(1, 9)
HOME = "home"
FAMILIES = st.sampled_from(["", "f", "g"])
CORES, JOULES = "cores", "joules"


@dataclass(frozen=True)
class Size:
    """Largest counts of a problem."""

    machines: int = 3
    jobs: int = 3
    operations: int = 6
    modes: int = 4


@st.composite
def machines(draw: st.DrawFn, features: Collection[Feature], most: int) -> list[Machine]:
    window = st.tuples(st.integers(0, 20), st.integers(1, 9)).map(lambda w: (w[0], w[0] + w[1]))
    windows = st.lists(window, max_size=1) if Feature.WINDOWS in features else st.just([])
    families = FAMILIES if SETUPS & set(features) else st.just("")
    keeps = st.booleans() if Feature.KEPT_SETUPS in features else st.just(False)
    exclusive = st.sampled_from([True, True, False])
    found = [
        builders.machine(
            f"m{i}",
            device=f"d{draw(st.sampled_from([2, 1, 0]))}",
            unavailable=draw(windows),
            family=draw(families),
            exclusive=Feature.SHARED_MACHINES not in features or draw(exclusive),
            keeps_setups=draw(keeps),
        )
        for i in range(draw(st.integers(1, most)))
    ]
    kept = st.sampled_from([(), (), ("g",)])
    return [replace(one, kept=draw(kept)) if one.keeps_setups else one for one in found]


@st.composite
def jobs(draw: st.DrawFn, most: int, deadlines: bool) -> list[Job]:
    late = st.none() | st.integers(10, 40) if deadlines else st.none()
    return [
        builders.job(
            f"j{i}",
            release_us=draw(st.integers(0, 9)),
            due_us=draw(st.none() | st.integers(0, 20)),
            deadline_us=draw(late),
            weight=draw(st.integers(0, 3)),
            band=draw(st.sampled_from(Band)),
        )
        for i in range(draw(st.integers(1, most)))
    ]


@st.composite
def modes(
    draw: st.DrawFn, machine: Machine, features: Collection[Feature], cores: int, variant: str
) -> Mode:
    """One mode, whose demand for cores can be met."""
    fields: dict[str, object] = {}
    if (SETUPS | {Feature.MEMORY}) & set(features):
        fields["family"] = draw(FAMILIES)
    needs = Feature.KEPT_SETUPS if machine.keeps_setups else Feature.SETUPS
    if needs in features and fields["family"] and machine.exclusive:
        fields["setup_us"] = draw(st.integers(0, 4))
    if Feature.MEMORY in features:
        fields |= {"resident_bytes": draw(st.integers(0, 4)), "peak_bytes": draw(st.integers(0, 9))}
    demands = {}
    if Feature.RESOURCES in features:
        demands[CORES] = draw(st.integers(0, cores))
    if Feature.BUDGETS in features:
        demands[JOULES] = draw(st.integers(0, 5))
    duration_us = draw(DURATIONS)
    return builders.mode(
        machine.id,
        duration_us,
        duration_p95_us=duration_us + draw(st.integers(0, 5)),
        energy_uj=draw(st.integers(0, 9)),
        variant=variant,
        demands={name: amount for name, amount in demands.items() if amount},
        **fields,
    )


@st.composite
def operations(
    draw: st.DrawFn,
    machines: Sequence[Machine],
    jobs: Sequence[Job],
    features: Collection[Feature],
    cores: int,
    size: Size,
) -> list[Operation]:
    """Every operation has a home mode on the first machine."""
    groups = st.sampled_from(["", "", "", "a", "b"])
    found = []
    for i in range(draw(st.integers(1, size.operations))):
        others = draw(st.lists(st.sampled_from(machines), max_size=size.modes - 1))
        home = draw(modes(machines[0], features, cores, HOME))
        # Some of the others demand more cores than there are.
        more = [
            draw(modes(machine, features, cores + 1, f"v{j}")) for j, machine in enumerate(others)
        ]
        found.append(
            builders.operation(
                f"o{i}",
                job=draw(st.sampled_from(jobs)).id,
                modes=draw(st.permutations([home, *more])),
                colocation=draw(groups) if Feature.COLOCATION in features else "",
            )
        )
    return found


@st.composite
def edges(draw: st.DrawFn, count: int) -> list[tuple[str, str, int]]:
    pairs = [(i, j) for j in range(count) for i in range(j)]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=8, unique=True)) if pairs else []
    return [(f"o{i}", f"o{j}", draw(st.integers(0, 9))) for i, j in chosen]


@st.composite
def links(draw: st.DrawFn, machines: Sequence[Machine]) -> tuple[Link, ...]:
    if draw(st.booleans()):
        return ()
    return builders.all_links(machines, latency_us=draw(st.integers(0, 3)))


@st.composite
def resources(
    draw: st.DrawFn, homes: Sequence[Mode], features: Collection[Feature], cores: int
) -> list[Resource]:
    """A budget is enough for all home modes, and seldom for more."""
    found = []
    if Feature.RESOURCES in features:
        found.append(builders.resource(CORES, cores))
    if Feature.BUDGETS in features:
        spent = sum(d.amount for mode in homes for d in mode.demands if d.resource == JOULES)
        capacity = spent + draw(st.integers(0, 5))
        found.append(builders.resource(JOULES, capacity, renewable=False))
    return found


@st.composite
def remembering(
    draw: st.DrawFn, machines: Sequence[Machine], homes: Sequence[Mode]
) -> list[Machine]:
    """The machines with memories: the first can hold all home modes, and seldom more."""
    families: dict[str, int] = {}
    for mode in homes:
        families[mode.family] = max(families.get(mode.family, 0), mode.resident_bytes)
    families[""] = sum(mode.resident_bytes for mode in homes if not mode.family)
    extra_bytes = max(max(mode.peak_bytes - mode.resident_bytes, 0) for mode in homes)
    least = [sum(families.values()) + extra_bytes, *[0] * (len(machines) - 1)]
    return [
        replace(machine, memory_bytes=draw(st.none() | st.integers(n, n + 12)))
        for machine, n in zip(machines, least, strict=True)
    ]


@st.composite
def problems(
    draw: st.DrawFn,
    features: Collection[Feature] = ALL,
    *,
    deadlines: bool = False,
    size: Size = Size(),
) -> Problem:
    """Any problem with no other features than these. It has a schedule, unless with deadlines."""
    lanes = draw(machines(features, size.machines))
    requests = draw(jobs(size.jobs, deadlines))
    cores = draw(st.integers(1, 4))
    found = draw(operations(lanes, requests, features, cores, size))
    homes = [next(m for m in operation.modes if m.variant == HOME) for operation in found]
    if Feature.MEMORY in features:
        lanes = draw(remembering(lanes, homes))
    problem = builders.problem(
        found,
        machines=lanes,
        jobs=requests,
        edges=draw(edges(len(found))),
        links=draw(links(lanes)) if Feature.TRANSFERS in features else (),
        resources=draw(resources(homes, features, cores)),
        now_us=draw(st.integers(0, 9)),
    )
    is_under_way = Feature.STARTED in features and draw(st.booleans())
    return draw(started(problem)) if is_under_way else problem


@st.composite
def started(draw: st.DrawFn, problem: Problem) -> Problem:
    """The problem some time later: operations ran one after another in their home modes."""
    at_us, now_us, progress = 0, draw(st.integers(0, 20)), {}
    for operation in problem.topological_order():
        if at_us >= now_us:
            break
        mode = next(i for i, m in enumerate(operation.modes) if m.variant == HOME)
        took_us = draw(DURATIONS)
        end_us = at_us + took_us if at_us + took_us <= now_us else None
        progress[operation.id] = Progress(mode=mode, start_us=at_us, end_us=end_us)
        at_us += took_us
    changed = tuple(replace(o, progress=progress.get(o.id)) for o in problem.operations)
    return replace(problem, operations=changed, now_us=now_us)

"""What can be known of a problem's objective without solving it."""

from __future__ import annotations

from scheduler.model.indexed import Indexed, indexed
from scheduler.model.problem import Problem


def lower_bound(problem: Problem | Indexed) -> int:
    """Proven lower bound on the makespan, in microseconds from the origin.

    The larger of the critical path on shortest durations and of the load that operations put on
    their eligible machines.

    Examples
    --------
    >>> from scheduler.model.problem import Job, Machine, Mode, Operation
    >>> problem = Problem(
    ...     machines=(Machine(id="cpu0"),),
    ...     jobs=(Job(id="frame", release_us=2),),
    ...     operations=tuple(
    ...         Operation(id=name, job="frame", modes=(Mode(machine="cpu0", duration_us=5),))
    ...         for name in ("left", "right")
    ...     ),
    ... )
    >>> lower_bound(problem)
    12
    """
    form = problem if isinstance(problem, Indexed) else indexed(problem)
    return max(_path_bound_us(form), _load_bound_us(form))


def _path_bound_us(form: Indexed) -> int:
    """Longest path of shortest durations, transfers not counted."""
    end_us = [0] * len(form.options)
    for i in form.order:
        frozen = form.frozen.get(i)
        if frozen is not None:
            end_us[i] = frozen.end_us
            continue
        start_us = form.earliest_us[i]
        for source, _ in form.sources[i]:
            if end_us[source] > start_us:
                start_us = end_us[source]
        end_us[i] = start_us + _shortest_us(form, i)
    return max(end_us, default=0)


def _shortest_us(form: Indexed, i: int) -> int:
    # Without a usable mode there is no schedule at all, and any number is a bound.
    return min([option.duration_us for option in form.options[i]], default=0)


def _load_bound_us(form: Indexed) -> int:
    """Latest end if each set of operations shares its eligible machines perfectly evenly."""
    groups = _eligibility_groups(form)
    busy_us = {
        frozen.option.machine: frozen.end_us for frozen in form.frozen.values() if not frozen.ended
    }
    sets = dict.fromkeys([*groups, frozenset().union(*groups)] if groups else [])
    return max((_set_bound_us(chosen, groups, busy_us) for chosen in sets), default=0)


def _eligibility_groups(form: Indexed) -> dict[frozenset[int], tuple[int, int]]:
    """Earliest start and sum of shortest durations of the operations that share a machine set."""
    groups: dict[frozenset[int], tuple[int, int]] = {}
    for i, options in enumerate(form.options):
        if options and i not in form.frozen:
            machines = frozenset([option.machine for option in options])
            earliest_us = form.earliest_us[i]
            first_us, load_us = groups.get(machines, (earliest_us, 0))
            groups[machines] = (min(first_us, earliest_us), load_us + _shortest_us(form, i))
    return groups


def _set_bound_us(
    machines: frozenset[int],
    groups: dict[frozenset[int], tuple[int, int]],
    busy_us: dict[int, int],
) -> int:
    """Bound from all operations whose eligible machines lie within `machines`."""
    inside = [group for eligible, group in groups.items() if eligible <= machines]
    first_us = min(earliest_us for earliest_us, _ in inside)
    load_us = sum(shortest_us for _, shortest_us in inside)
    # Until then a running operation keeps its machine from all of them.
    load_us += sum(max(busy_us.get(machine, 0) - first_us, 0) for machine in machines)
    return first_us - (-load_us // len(machines))

"""Heterogeneous earliest finish time: by upward rank, with insertion."""

from __future__ import annotations

from scheduler.model.indexed import Indexed, Option, inherited_bands
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result
from scheduler.solvers.heuristics.construction import construct
from scheduler.solvers.heuristics.timeline import Draft


def heft(problem: Problem, limits: Limits, seed: int) -> Result:
    """Give each operation, most urgent first, the mode in which it finishes earliest.

    Deterministic, one pass: `limits` and `seed` are not used. Operations are ordered by band, then
    by upward rank, so that a lower band never delays a higher one. Gaps are filled (insertion).

    References
    ----------
    Topcuoglu, Hariri and Wu (2002), doi:10.1109/71.993206. Departures: bands before ranks; mean
    durations are over the modes an operation has; windows, releases, colocation and missing links
    are honoured; ties go to the earlier operation and the earlier mode of the problem.
    """
    return construct(problem, name="heft", rule=_place_all)


def _place_all(draft: Draft) -> bool:
    form = draft.form
    ranks = upward_ranks_us(form)
    bands = inherited_bands(form)
    # Sorting is stable and starts from a topological order, so equal ranks cannot break precedence.
    for i in sorted(form.order, key=lambda i: (bands[i], -ranks[i])):
        if i not in form.frozen and not _place(draft, i):
            return False
    return True


def _place(draft: Draft, i: int) -> bool:
    """Place one operation where it finishes earliest; false if nothing is left for it."""
    best: Option | None = None
    best_start_us = best_end_us = 0
    ready: dict[int, int] = {}
    for option in draft.eligible(i):
        device, duration_us = option.device, option.duration_us
        if device not in ready:
            ready[device] = draft.ready_us(i, device)
        # A lower bound on the finish saves the search for a gap.
        if best is not None and ready[device] + duration_us >= best_end_us:
            continue
        timeline = draft.timelines[option.machine]
        start_us = timeline.earliest_start_us(ready[device], duration_us)
        if best is None or start_us + duration_us < best_end_us:
            best, best_start_us, best_end_us = option, start_us, start_us + duration_us
    if best is None:
        return False
    draft.place(i, best, best_start_us)
    return True


def upward_ranks_us(form: Indexed) -> list[float]:
    """Longest expected path from each operation to the end, its own duration included.

    Durations are means over usable modes, transfers over pairs of distinct connected devices.
    """
    latency_us, us_per_byte = _mean_link(form)
    ranks = [0.0] * len(form.options)
    for i in reversed(form.order):
        longest = 0.0
        for target, size_bytes in form.targets[i]:
            path = ranks[target] + latency_us + size_bytes * us_per_byte
            if path > longest:
                longest = path
        ranks[i] = longest + _mean_duration_us(form, i)
    return ranks


def _mean_duration_us(form: Indexed, i: int) -> float:
    options = form.options[i]
    if i in form.frozen or not options:
        return 0.0
    total = 0
    for option in options:
        total += option.duration_us
    return total / len(options)


def _mean_link(form: Indexed) -> tuple[float, float]:
    """Mean latency, and mean time per byte, over all links."""
    links = form.problem.links
    if not links:
        return 0.0, 0.0
    latency_us = sum(link.latency_us for link in links) / len(links)
    rates = [link.bandwidth_bytes_per_s for link in links]
    return latency_us, sum(1e6 / rate for rate in rates if rate) / len(links)

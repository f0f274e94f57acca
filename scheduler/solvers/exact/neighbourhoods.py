"""Neighbourhoods: parts of a plan whose operations can gain something if freed together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.arrays import OPEN, Arrays, Long, Solution
from scheduler.solvers.kernels.bounds import margins
from scheduler.solvers.translating import ends

Ops = NDArray[np.intp]
Random = np.random.Generator
MOST_MODES = 8
"""Modes of a freed operation in one repair, on average, besides its own."""


@dataclass
class Plan:
    """A plan with derived columns, each computed once. Made once per incumbent."""

    form: Arrays
    solution: Solution

    @cached_property
    def open(self) -> Ops:
        """Operations that can still be moved."""
        return np.flatnonzero(self.form.state == OPEN)

    @cached_property
    def end_us(self) -> Long:
        """End per operation."""
        return ends(self.form, self.solution)

    @cached_property
    def machine(self) -> NDArray[np.int32]:
        """Machine per operation."""
        return self.form.mode_machine[self.solution.mode]

    @cached_property
    def middle_us(self) -> Long:
        """Twice the middle of each operation's span."""
        return self.solution.start_us + self.end_us

    @cached_property
    def sequence(self) -> Ops:
        """Open operations by machine and start."""
        keys = (self.open, self.solution.start_us[self.open], self.machine[self.open])
        return self.open[np.lexsort(keys)]

    @cached_property
    def tail_us(self) -> Long:
        """Longest chain after each operation, with modes and orders kept."""
        form, following = self.form, np.full(len(self.form.state), -1, np.int32)
        here, after = self.sequence[:-1], self.sequence[1:]
        waits = self.machine[here] == self.machine[after]
        waits &= form.machine_exclusive[self.machine[here]] != 0
        following[here[waits]] = after[waits]
        by_start = self.open[np.argsort(self.solution.start_us[self.open], kind="stable")]
        mode, order = self.solution.mode, by_start.astype(np.int32)
        return np.asarray(margins.tails_us(form, mode, order, following))

    @cached_property
    def completion_us(self) -> Long:
        """Completion per job."""
        found_us = np.zeros(len(self.form.job_due_us), np.int64)
        np.maximum.at(found_us, self.form.job, self.end_us)
        return found_us

    @cached_property
    def previous(self) -> NDArray[np.int32]:
        """Operation that ends last on the machine before each one starts; -1 if there is none."""
        found = np.full(len(self.form.state), -1, np.int32)
        machine, by_end = self.machine[self.open], np.argsort(self.end_us[self.open], kind="stable")
        for lane in np.unique(machine):
            here = self.open[by_end[machine[by_end] == lane]]
            place = np.searchsorted(self.end_us[here], self.solution.start_us[here], side="right")
            found[here[place > 0]] = here[place[place > 0] - 1]
        return found

    def orders(self, fixed: Ops) -> list[tuple[int, int]]:
        """Orders of fixed operations that share resources, as pairs; implied pairs are left out."""
        form, mode = self.form, self.solution.mode
        if not len(form.demand_amount):
            return []
        renewable = np.concatenate(([0], np.cumsum(form.resource_renewable[form.demand_resource])))
        shares = renewable[form.demand_first[mode + 1]] > renewable[form.demand_first[mode]]
        users = fixed[shares[fixed]]
        start_us, end_us = self.solution.start_us[users], self.end_us[users]
        by_end = np.argsort(end_us, kind="stable")
        sorted_us = end_us[by_end]
        last_start_us = np.maximum.accumulate(start_us[by_end]) if len(users) else start_us
        found = []
        for place, count in enumerate(np.searchsorted(sorted_us, start_us, side="right").tolist()):
            if count:
                first = int(np.searchsorted(sorted_us, last_start_us[count - 1], side="right"))
                found += [(int(users[b]), int(users[place])) for b in by_end[first:count]]
        return found

    def nearest(self, candidates: Ops, to_us: int, size: int) -> Ops:
        """Candidates that run nearest to a moment."""
        if len(candidates) <= size:
            return candidates
        distance_us = np.abs(self.middle_us[candidates] - 2 * to_us)
        return candidates[np.argpartition(distance_us, size)[:size]]


LONGEST_PATH = 2000
"""Most operations of a chain that are traced, from its end on."""
Neighbourhood = Callable[[Plan, Random, int], Ops]


def _moment(plan: Plan, random: Random) -> int:
    return int(plan.middle_us[random.choice(plan.open)]) // 2


def time_slice(plan: Plan, random: Random, size: int) -> Ops:
    """Operations around a moment, on every machine."""
    return plan.nearest(plan.open, _moment(plan, random), size)


def machines(plan: Plan, random: Random, size: int) -> Ops:
    """Operations of two or three machines; around a moment if these are too many."""
    used = np.unique(plan.machine[plan.open])
    chosen = random.choice(used, min(len(used), int(random.integers(2, 4))), replace=False)
    candidates = plan.open[np.isin(plan.machine[plan.open], chosen)]
    return plan.nearest(candidates, _moment(plan, random), size)


def jobs(plan: Plan, random: Random, size: int) -> Ops:
    """Some jobs from their first operation to their last."""
    job = plan.form.job[plan.open]
    shuffled = random.permutation(np.unique(job))
    counts = np.bincount(job, minlength=len(plan.form.job_due_us))[shuffled]
    whole = max(int(np.searchsorted(np.cumsum(counts), size, side="right")), 1)
    found = plan.open[np.isin(job, shuffled[:whole])]
    return plan.nearest(found, _moment(plan, random), size)


def related(plan: Plan, random: Random, size: int) -> Ops:
    """Operations like one of them: near in time, of the same job, on the same machine (Shaw)."""
    pivot = int(random.choice(plan.open))
    distance = np.abs(plan.middle_us[plan.open] - plan.middle_us[pivot]).astype(float)
    distance += distance.mean() * 0.1
    same = (plan.form.job[plan.open] == plan.form.job[pivot]).astype(float)
    same += plan.machine[plan.open] == plan.machine[pivot]
    # Random factors, so that the same pivot does not always free the same operations.
    distance *= random.random(len(plan.open)) / (1 + 2 * same)
    kept = min(size, len(plan.open))
    return plan.open[np.argpartition(distance, kept - 1)[:kept]]


def critical(plan: Plan, random: Random, size: int) -> Ops:
    """A stretch of a chain without slack that fixes a job's cost, and the operations beside it."""
    path = _tight_path(plan, _costly(plan, random))
    length = max(min(size // 3, len(path)), 1)
    begin = int(random.integers(0, len(path) - length + 1))
    chosen = np.array(path[begin : begin + length])
    middle_us = int(plan.middle_us[chosen].mean()) // 2
    beside = np.isin(plan.machine[plan.open], plan.machine[chosen]) | (random.random() < 0.5)
    others = plan.nearest(plan.open[beside], middle_us, size)
    return np.unique(np.concatenate((chosen, others)))


def _costly(plan: Plan, random: Random) -> int:
    """Last operation of a job that is late, or of one of the last to complete."""
    form, candidates = plan.form, plan.open
    due_us = form.job_due_us[form.job[candidates]]
    late = plan.end_us[candidates] > due_us
    if late.any() and random.random() < 0.5:
        return int(random.choice(candidates[late]))
    if random.random() < 0.7:
        return int(candidates[np.argmax(plan.end_us[candidates])])
    return int(random.choice(candidates))


def _tight_path(plan: Plan, last: int) -> list[int]:
    """Chain without slack, back from an operation: each ends when the next one can begin."""
    path = [last]
    while len(path) < LONGEST_PATH:
        i = path[-1]
        start_us = plan.solution.start_us[i]
        latest, previous = _latest_source(plan, i), int(plan.previous[i])
        if latest >= 0 and plan.end_us[latest] == start_us:
            path.append(latest)
        elif previous >= 0 and plan.end_us[previous] == start_us:
            path.append(previous)
        elif latest >= 0:
            path.append(latest)
        else:
            break
    return path


def _latest_source(plan: Plan, i: int) -> int:
    """Source of an operation that ends last; -1 if none can be moved."""
    form = plan.form
    sources = form.source_op[form.source_first[i] : form.source_first[i + 1]]
    sources = sources[form.state[sources] == OPEN]
    return int(sources[np.argmax(plan.end_us[sources])]) if len(sources) else -1


ALL: dict[str, Neighbourhood] = {
    "time": time_slice,
    "machines": machines,
    "jobs": jobs,
    "related": related,
    "critical": critical,
}

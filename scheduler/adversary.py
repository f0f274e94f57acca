"""Search for adversarial problems: one solver does badly on them, compared with others.

References
----------
Coleman and Krishnamachari (2024), arXiv:2403.07120 (PISA): simulated annealing over task graphs and
networks, one weight, edge or speed changed at a time. Here random numbers are integers from a seed,
sizes are bounded and small, and the ratio is taken against the best of several solvers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from scheduler.model.problem import Edge, Job, Link, Machine, Mode, Operation, Problem

MOST = 100
"""Largest weight and speed."""
FIRST_TEMPERATURE = 0.3
COOLING = 0.99

Value = Callable[[Problem], int]
"""Function from a problem to the makespan of a solver's plan."""


@dataclass(frozen=True, slots=True)
class AdversarialInstance:
    """A task graph and a network.

    Parameters
    ----------
    weights
        Work of each task; a machine needs ``MOST / speed`` microseconds per unit.
    speeds
        Speed of each machine.
    edges
        Data from a task to a later one.
    bandwidths
        Bandwidth of each pair of machines.
    """

    weights: tuple[int, ...]
    speeds: tuple[int, ...]
    edges: dict[tuple[int, int], int]
    bandwidths: dict[tuple[int, int], int]

    @classmethod
    def read(cls, text: str | bytes) -> AdversarialInstance:
        """Read what `written` wrote."""
        document = json.loads(text)
        return cls(
            weights=tuple(document["weights"]),
            speeds=tuple(document["speeds"]),
            edges={(i, j): size for i, j, size in document["edges"]},
            bandwidths={(a, b): rate for a, b, rate in document["bandwidths"]},
        )

    def written(self) -> str:
        """Write the instance as JSON; its problem would be a hundred times as long."""
        document = {
            "weights": self.weights,
            "speeds": self.speeds,
            "edges": [(*pair, size) for pair, size in sorted(self.edges.items())],
            "bandwidths": [(*pair, rate) for pair, rate in sorted(self.bandwidths.items())],
        }
        return json.dumps(document, separators=(",", ":")) + "\n"

    def problem(self) -> Problem:
        """The instance as a problem of the model."""
        machines = range(len(self.speeds))
        return Problem(
            machines=tuple(Machine(id=f"m{k}") for k in machines),
            jobs=(Job(id="graph"),),
            operations=tuple(
                Operation(
                    id=f"t{i}",
                    job="graph",
                    modes=tuple(
                        Mode(machine=f"m{k}", duration_us=-(-weight * MOST // self.speeds[k]))
                        for k in machines
                    ),
                )
                for i, weight in enumerate(self.weights)
            ),
            edges=tuple(
                Edge(source=f"t{i}", target=f"t{j}", size_bytes=size)
                for (i, j), size in sorted(self.edges.items())
            ),
            links=tuple(
                Link(
                    source=f"m{a}",
                    target=f"m{b}",
                    bandwidth_bytes_per_s=self.bandwidths[min(a, b), max(a, b)] * 1_000_000 // MOST,
                )
                for a in machines
                for b in machines
                if a != b
            ),
        )


@dataclass(frozen=True, slots=True)
class Discovery:
    """An instance, and the ratio of the solver's value to the best of the others."""

    instance: AdversarialInstance
    ratio: float


def search(solver: Value, others: Value, *, steps: int, seed: int) -> Discovery:
    """Look for an instance on which `solver` does worse than `others`, by simulated annealing.

    Parameters
    ----------
    others
        Best value of the solvers that it is compared with.
    """
    random = Random(seed)

    def judged(instance: AdversarialInstance) -> Discovery:
        problem = instance.problem()
        return Discovery(instance, solver(problem) / others(problem))

    here = best = judged(drawn(random))
    temperature = FIRST_TEMPERATURE
    for _ in range(steps):
        there = judged(perturbed(here.instance, random))
        gain = there.ratio - here.ratio
        if gain >= 0 or random.random() < math.exp(gain / temperature):
            here = there
        best = max(best, here, key=lambda found: found.ratio)
        temperature *= COOLING
    return best


def drawn(random: Random) -> AdversarialInstance:
    """A random instance: three to eight tasks on two to four machines."""
    tasks, machines = range(random.randint(3, 8)), range(random.randint(2, 4))
    return AdversarialInstance(
        weights=tuple(random.randint(1, MOST) for _ in tasks),
        speeds=tuple(random.randint(1, MOST) for _ in machines),
        edges={
            (i, j): random.randint(0, MOST)
            for j in tasks
            for i in range(j)
            if random.random() < 0.4
        },
        bandwidths={(a, b): random.randint(1, MOST) for b in machines for a in range(b)},
    )


def shaped(shape: str, tasks: int, machines: int, random: Random) -> AdversarialInstance:
    """A random instance of a shape from `SHAPES`, with normal or slow links."""
    pairs = [(i, j) for j in range(tasks) for i in SHAPES[shape](j, tasks, random)]
    quickest = random.choice((MOST // 20, MOST))
    return AdversarialInstance(
        weights=tuple(random.randint(1, MOST) for _ in range(tasks)),
        speeds=tuple(random.randint(1, MOST) for _ in range(machines)),
        edges={pair: random.randint(0, MOST) for pair in pairs},
        bandwidths={(a, b): random.randint(1, quickest) for b in range(machines) for a in range(b)},
    )


def _layers(task: int, tasks: int, random: Random) -> set[int]:
    width = max(2, tasks // 4)
    before = range((task // width - 1) * width, task // width * width)
    return set(random.sample(before, 2)) if task >= width else set()


def _deep(task: int, tasks: int, random: Random) -> set[int]:
    return {max(0, task - random.randint(1, 3)) for _ in range(2)} if task else set()


def _fork(task: int, tasks: int, random: Random) -> set[int]:
    if task == tasks - 1:
        return set(range(1, task))
    return {0} if task else set()


def _chains(task: int, tasks: int, random: Random) -> set[int]:
    chains = max(1, tasks // 8)
    return {task - chains} if task >= chains else set()


def _sparse(task: int, tasks: int, random: Random) -> set[int]:
    return {random.randrange(task)} if task and random.random() < 0.6 else set()


SHAPES: dict[str, Callable[[int, int, Random], set[int]]] = {
    "layers": _layers,
    "deep": _deep,
    "fork": _fork,
    "chains": _chains,
    "sparse": _sparse,
    "loose": lambda task, tasks, random: set(),
}
"""Predecessors of a task, by the shape of the graph."""


def perturbed(instance: AdversarialInstance, random: Random) -> AdversarialInstance:
    """The instance with one weight, speed, bandwidth or edge changed."""
    change = random.choice((_weight, _speed, _edge_weight, _bandwidth, _add_edge, _remove_edge))
    return change(instance, random)


def _nudged(value: int, least: int, random: Random) -> int:
    step = random.randint(-MOST // 10, MOST // 10)
    return min(MOST, max(least, value + step))


def _one_of(values: tuple[int, ...], random: Random) -> tuple[int, ...]:
    chosen = random.randrange(len(values))
    return tuple(_nudged(v, 1, random) if i == chosen else v for i, v in enumerate(values))


def _weight(instance: AdversarialInstance, random: Random) -> AdversarialInstance:
    return replace(instance, weights=_one_of(instance.weights, random))


def _speed(instance: AdversarialInstance, random: Random) -> AdversarialInstance:
    return replace(instance, speeds=_one_of(instance.speeds, random))


def _edge_weight(instance: AdversarialInstance, random: Random) -> AdversarialInstance:
    if not instance.edges:
        return instance
    pair = random.choice(sorted(instance.edges))
    size = _nudged(instance.edges[pair], 0, random)
    return replace(instance, edges={**instance.edges, pair: size})


def _bandwidth(instance: AdversarialInstance, random: Random) -> AdversarialInstance:
    pair = random.choice(sorted(instance.bandwidths))
    rate = _nudged(instance.bandwidths[pair], 1, random)
    return replace(instance, bandwidths={**instance.bandwidths, pair: rate})


def _add_edge(instance: AdversarialInstance, random: Random) -> AdversarialInstance:
    tasks = range(len(instance.weights))
    free = [(i, j) for j in tasks for i in range(j) if (i, j) not in instance.edges]
    if not free:
        return instance
    return replace(instance, edges={**instance.edges, random.choice(free): random.randint(0, MOST)})


def _remove_edge(instance: AdversarialInstance, random: Random) -> AdversarialInstance:
    if not instance.edges:
        return instance
    gone = random.choice(sorted(instance.edges))
    return replace(instance, edges={k: v for k, v in instance.edges.items() if k != gone})

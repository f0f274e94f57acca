"""Networks to split: published ones, and small ones that are drawn."""

from __future__ import annotations

import json
import random

from scheduler.instances.dnn_placement import read_placement
from scheduler.instances.network import PlacementNode, PlacementProblem
from scheduler.instances.reading import Node
from scheduler.splitting.values import ON_HOST
from tests.scheduler.instances.files import FILES


def network(name: str) -> PlacementProblem:
    """One of the files."""
    return read_placement(Node(json.loads((FILES / "dnn_placement" / name).read_text())))


def expert_split(placement: PlacementProblem) -> list[int]:
    """An expert's split of BERT, by the authors of the paper."""
    text = (FILES / "dnn_placement/bert24_inference_expert.json").read_text()
    accelerators = enumerate(json.loads(text)["fpgas"])
    where = {number: i for i, part in accelerators for number in part["nodes"]}
    return [where.get(node.number, ON_HOST) for node in placement.nodes]


def drawn(seed: int, *, nodes: int = 5, training: bool = False) -> PlacementProblem:
    """Small network in which memory, colours, support and transfers all matter.

    For training, each node has a mate of its colour, and the mates are run in the reverse order.
    """
    rng = random.Random(seed)
    colours = [rng.choice([None, None, 0, i + 1]) for i in range(nodes)]
    forward = [(u, v) for v in range(nodes) for u in range(v) if rng.random() < 0.45]
    rows = [_node(rng, i, i if training else colour, False) for i, colour in enumerate(colours)]
    edges = list(forward)
    if training:
        rows += [_node(rng, nodes + i, i, True) for i in range(nodes)]
        edges += [(nodes + v, nodes + u) for u, v in forward]
        edges.append((nodes - 1, 2 * nodes - 1))
    return PlacementProblem(
        accelerators=2, cores=1, memory_bytes=9, nodes=tuple(rows), edges=tuple(edges)
    )


def _node(rng: random.Random, number: int, colour: int | None, backward: bool) -> PlacementNode:
    time = float(rng.randint(1, 9))
    return PlacementNode(
        number=number,
        accelerator_time=None if rng.random() < 0.1 else time,
        host_time=time * rng.randint(1, 6),
        size_bytes=rng.randint(0, 4),
        backward=backward,
        colour=colour,
        cost=float(rng.randint(0, 4)),
    )

"""Published examples with their published figures."""

from __future__ import annotations

from scheduler.model.problem import Problem
from tests.builders import all_links, machine, operation, problem

Edges = tuple[tuple[int, int, int], ...]


def task_graph(costs: tuple[tuple[int, ...], ...], edges: Edges) -> Problem:
    """Tasks t1, t2, ... with a cost per processor; bytes are chosen so that one takes 1 us."""
    lanes = [machine(f"p{k + 1}") for k in range(len(costs[0]))]
    tasks = [
        operation(f"t{i}", durations={lane.id: us for lane, us in zip(lanes, row, strict=True)})
        for i, row in enumerate(costs, start=1)
    ]
    return problem(
        tasks,
        machines=lanes,
        edges=[(f"t{source}", f"t{target}", size) for source, target, size in edges],
        links=all_links(lanes),
    )


def topcuoglu() -> Problem:
    """Figure 2 of Topcuoglu, Hariri and Wu (2002), doi:10.1109/71.993206."""
    costs = (
        (14, 16, 9),
        (13, 19, 18),
        (11, 13, 19),
        (13, 8, 17),
        (12, 13, 10),
        (13, 16, 9),
        (7, 15, 11),
        (5, 11, 14),
        (18, 12, 20),
        (21, 7, 16),
    )
    edges = (
        (1, 2, 18),
        (1, 3, 12),
        (1, 4, 9),
        (1, 5, 11),
        (1, 6, 14),
        (2, 8, 19),
        (2, 9, 16),
        (3, 7, 23),
        (4, 8, 27),
        (4, 9, 23),
        (5, 9, 13),
        (6, 8, 15),
        (7, 10, 17),
        (8, 10, 11),
        (9, 10, 13),
    )
    return task_graph(costs, edges)


def arabnejad() -> Problem:
    """Figure 1 of Arabnejad and Barbosa (2014), doi:10.1109/TPDS.2013.57."""
    costs = (
        (22, 21, 36),
        (22, 18, 18),
        (32, 27, 43),
        (7, 10, 4),
        (29, 27, 35),
        (26, 17, 24),
        (14, 25, 30),
        (29, 23, 36),
        (15, 21, 8),
        (13, 16, 33),
    )
    edges = (
        (1, 2, 17),
        (1, 3, 31),
        (1, 4, 29),
        (1, 5, 13),
        (1, 6, 7),
        (2, 8, 3),
        (2, 9, 30),
        (3, 7, 16),
        (4, 8, 11),
        (4, 9, 7),
        (5, 9, 57),
        (6, 8, 5),
        (7, 10, 9),
        (8, 10, 42),
        (9, 10, 7),
    )
    return task_graph(costs, edges)

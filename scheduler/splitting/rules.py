"""Rules of splits, for the modules that make splits; `checking` states them independently."""

from __future__ import annotations

from scheduler.instances.network import PlacementProblem

Arc = tuple[int, int]
"""Positions of two nodes."""


def pipeline_arcs(placement: PlacementProblem) -> list[Arc]:
    """Arcs along which a pipeline moves forward, from device to device.

    In training, data move forward through the forward nodes and back through the backward ones,
    which stay with their colours. A backward node whose colour has no forward node is placed by the
    reversed order of its neighbours.

    References
    ----------
    Tarnawski et al. (2020), doi:10.48550/arXiv.2006.16423, section 5.3.
    """
    nodes = placement.nodes
    mated = {node.colour for node in nodes if not node.backward and node.colour is not None}
    arcs = []
    for u, v in placement.edges:
        if not nodes[v].backward:
            arcs.append((u, v))
        elif nodes[u].backward and not {nodes[u].colour, nodes[v].colour} <= mated:
            arcs.append((v, u))
    return arcs

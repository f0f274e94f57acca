"""What a split may not do, told to those who make splits; `checking` has it in words of its own."""

from __future__ import annotations

from scheduler.instances.network import PlacementProblem

Arc = tuple[int, int]
"""Positions of two nodes."""


def pipeline_arcs(placement: PlacementProblem) -> list[Arc]:
    """What goes ahead through a pipeline, from device to device.

    In training, data go ahead through the forward nodes and back through the backward ones, which
    stay with their colours. A backward node whose colour has no forward one goes where the order
    of its neighbours, read backwards, lets it.

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

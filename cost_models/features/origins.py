"""Origins of the data of a group: runtimes that compile a graph hang elementwise work onto them.

A rectifier after a convolution costs nothing where the convolution writes its result rectified, and
a chain of ten sums costs one pass over the data where it runs as one loop. Which of that a provider
does is learned, from these origins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cost_models.features.costs import OperatorClass
from cost_models.features.fusion import Group
from cost_models.features.tracing import Trace

INPUT = "input"
"""Origin of data from outside of the graph."""
_CHAINED = (OperatorClass.ELEMENTWISE, OperatorClass.FREE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Maker of the largest operand of a group.

    Parameters
    ----------
    op_class
        Of the group that made it, elementwise ones left out; `INPUT` if there is none.
    chained
        Elementwise groups between that and this one.
    """

    op_class: str = INPUT
    chained: int = 0


def origins(trace: Trace, groups: Sequence[Group]) -> list[Origin]:
    """The origin of each group, in the order of the groups."""
    makers: dict[str, Origin] = {}
    found = []
    for group in groups:
        origin = _of(trace, group, makers)
        found.append(origin)
        given = _given(trace, group, origin)
        makers.update(dict.fromkeys(group.writes, given))
    return found


def _of(trace: Trace, group: Group, makers: dict[str, Origin]) -> Origin:
    """Origin of the largest tensor that some group made; the first of those alike."""
    sizes = {name: trace.tensors[name].bytes for name in group.reads if name in makers}
    if not sizes:
        return Origin()
    largest = max(sizes, key=lambda name: sizes[name])
    return makers[largest]


def _given(trace: Trace, group: Group, origin: Origin) -> Origin:
    """The origin of the data that a group makes."""
    classes = {trace.steps[member].op_class for member in group.members}
    if not classes.issubset(_CHAINED):
        heaviest = max(group.members, key=lambda member: trace.steps[member].counts.flops)
        return Origin(str(trace.steps[heaviest].op_class))
    is_longer = OperatorClass.ELEMENTWISE in classes
    return Origin(origin.op_class, origin.chained + is_longer)

"""List schedulers with an order that is fixed beforehand: priority x machine choice x insertion.

Departures from all the papers:

- bands come first, so that a lower one never delays a higher one;
- inside a band, if the search asks for it, due dates come first, and the priority breaks ties;
- means are over the modes of an operation;
- every rule of the problem is kept (windows, releases, setups, memory, resources, colocation,
  missing links);
- ties go to the earlier operation and to the earlier mode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.arrays import Arrays
from scheduler.solvers.heuristics.building import construct
from scheduler.solvers.heuristics.choices import (
    critical_machine,
    earliest_end,
    earliest_finish,
    fastest,
    taking_turns,
)
from scheduler.solvers.heuristics.clustering import own_cluster
from scheduler.solvers.heuristics.priorities import (
    as_given,
    effective_dues,
    optimistic_ranks,
    order_by,
    path_ranks,
    upward_ranks,
)
from scheduler.solvers.kernels.timeline.drafts import Draft
from scheduler.solvers.kernels.timeline.listing import list_schedule
from scheduler.solvers.search import Search

Float = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ListScheduler:
    """Places operations in order of priority, each in the mode that costs least.

    Deterministic: the seed is not used.

    Parameters
    ----------
    priority
        A number per operation; the largest among ready operations goes first.
    choice
        A number per mode, added to its finish; empty for none.
    insertion
        True if gaps between operations are filled.
    ahead
        True if a mode is judged by the possible finish of the operation's targets.
    heeds_due
        True if due dates come first when the search asks for it.
    """

    name: str
    priority: Callable[[Arrays], Float]
    choice: Callable[[Arrays], Float] = earliest_finish
    insertion: bool = True
    ahead: bool = False
    heeds_due: bool = True

    def __call__(self, search: Search, seed: int) -> None:
        """Offer one plan."""
        form = search.form

        def build(w: Draft) -> int:
            due_us = effective_dues(form) if search.by_due and self.heeds_due else None
            order, penalty = order_by(form, self.priority(form), due_us), self.choice(form)
            append, stop = not self.insertion, search.stop_flag
            return int(list_schedule(form, w, order, penalty, append, self.ahead, stop))

        construct(search, self.name, build)


heft = ListScheduler(name="heft", priority=upward_ranks)
"""Heterogeneous earliest finish time.

References
----------
Topcuoglu, Hariri and Wu (2002), doi:10.1109/71.993206.
"""

lookahead_heft = ListScheduler(name="lookahead_heft", priority=upward_ranks, ahead=True)
"""HEFT with look-ahead: a mode is judged by the latest finish of the targets, placed on trial.

References
----------
Bittencourt, Sakellariou and Madeira (2010), doi:10.1109/PDP.2010.56, the variant that looks at
children. Sources of a child that are not placed yet are ignored.
"""

cpop = ListScheduler(name="cpop", priority=path_ranks, choice=critical_machine)
"""Critical path on a processor.

References
----------
Topcuoglu, Hariri and Wu (2002), doi:10.1109/71.993206. If no machine can run the whole critical
path, the machine that can run most of it gets that part.
"""

peft = ListScheduler(name="peft", priority=optimistic_ranks, choice=earliest_end)
"""Predict earliest finish time: finish plus the optimistic cost of the rest of the graph.

References
----------
Arabnejad and Barbosa (2014), doi:10.1109/TPDS.2013.57. Transfers are free between all machines of a
device, not only on one and the same machine.
"""

fastest_machine = ListScheduler(
    name="fastest_machine", priority=as_given, choice=fastest, insertion=False, heeds_due=False
)
"""Practice of inference runtimes: each operation goes to its fastest machine, whatever the load.

Operations queue in the order of band, then of the graph.

References
----------
ONNX Runtime assigns nodes to the first provider in its list that supports them
(https://onnxruntime.ai/docs/execution-providers), whatever else runs there. Here the list is
sorted by speed for each operation.
"""

round_robin = ListScheduler(
    name="round_robin", priority=as_given, choice=taking_turns, insertion=False, heeds_due=False
)
"""Machines take turns, in the order of the graph; those without a mode are skipped."""

dominant_sequence = ListScheduler(
    name="dominant_sequence", priority=upward_ranks, choice=own_cluster
)
"""Dominant sequence clustering; clusters go to machines by load, operations by upward rank.

References
----------
Yang and Gerasoulis (1994), doi:10.1109/71.308533. An operation joins at most one cluster, at its
end; the paper's condition for partly free nodes is left out.
"""

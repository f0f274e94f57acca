"""The load that somebody asks about: what else is to go on, instead of what goes on now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.model.measuring import Load, Neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignLoad:
    """Other programs on the last cores of a box, each for a share of the time, 0 to 1."""

    cores: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuestion:
    """What would work take, if that went on beside it?

    Parameters
    ----------
    work
        Name of a model or function, or digest of a model.
    machine, provider
        Only there, only by that one; everywhere if empty.
    """

    work: str
    machine: str = ""
    provider: str = ""
    foreign: tuple[ForeignLoad, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()


def load_beside(question: CostQuestion, *, own: Sequence[int], box: Sequence[int]) -> Load:
    """The load of a machine by its own cores and all of its box.

    Examples
    --------
    >>> asked = CostQuestion(work="det", foreign=(ForeignLoad(cores=1, share=0.6),))
    >>> load = load_beside(asked, own=(1,), box=(0, 1))
    >>> load.foreign, load.contention
    (0.3, 0.6)
    """
    cores, mine = sorted(set(box)), set(own)
    foreign = contention = 0.0
    for each in question.foreign:
        taken = cores[-each.cores :]
        foreign += each.share * len(taken) / max(1, len(cores))
        contention += each.share * len(mine.intersection(taken)) / max(1, len(mine))
    return Load(
        neighbours=question.neighbours,
        foreign=min(1.0, foreign),
        contention=min(1.0, contention),
    )

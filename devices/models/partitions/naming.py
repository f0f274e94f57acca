"""Pieces of a model between cuts, each cut given by the names of its tensors."""

from __future__ import annotations

from collections.abc import Sequence

from devices.models.partitions.extracting import sides
from devices.models.partitions.links import Links
from scheduler.model.errors import InvalidModel

_NAMED = 8
"""Tensors that a message lists at most."""


def pieces_between(links: Links, cuts: Sequence[Sequence[str]]) -> list[set[int]]:
    """Nodes of the pieces between cuts, in the order in which they run; one more than cuts.

    A cut holds every tensor that crosses it, inputs and outputs of the model left out. What the
    tensors of a cut need comes before it and the rest after it, so that each piece is convex.

    Raises
    ------
    InvalidModel
        If a tensor is not there, a cut leaves out a tensor that later nodes read or holds one that
        none reads, or a piece has no node.
    """
    pieces: list[set[int]] = []
    before: set[int] = set()
    for place, cut in enumerate(cuts):
        head = _head(links, cut, before, place)
        pieces.append(head - before)
        before = head
    pieces.append(set(links.nodes) - before)
    for place, piece in enumerate(pieces):
        if not piece:
            cut_place = min(place, len(cuts) - 1)
            got = f"got {_listed(cuts[cut_place])}"
            raise _broken(cut_place, f"must have a node on either side of it; {got}")
    return pieces


def _head(links: Links, cut: Sequence[str], before: set[int], place: int) -> set[int]:
    """Nodes up to a cut."""
    for name in cut:
        if name not in links.makers:
            is_input = name in links.inputs or name in links.constants
            got = "an input or a constant" if is_input else "no tensor of that name"
            raise _broken(place, f"must name tensors that nodes make; {name!r} is {got}")
    head = before | links.ancestors(cut)
    _, outputs = sides(links, head)
    crossing = {name for name in outputs if any(i not in head for i in links.readers.get(name, ()))}
    missing, needless = sorted(crossing - set(cut)), sorted(set(cut) - crossing)
    if missing:
        law = "must hold every tensor that crosses it, or the pieces are not convex"
        raise _broken(place, f"{law}; {_listed(missing)} cross it, too")
    if needless:
        raise _broken(place, f"must hold tensors that later nodes read; none reads {needless[0]!r}")
    return head


def _broken(place: int, law: str) -> InvalidModel:
    return InvalidModel(f"cuts[{place}] {law}", field=f"cuts[{place}]")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more

"""Which devices remain for each operation when one choice can rule out another.

Colocation and missing links tie operations together. Arc consistency (Mackworth 1977,
doi:10.1016/0004-3702(77)90007-8) before each choice keeps a constructive heuristic from most dead
ends: it is complete on trees, and looks one cycle short of complete elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scheduler.model.indexed import Indexed


class Domains:
    """A set of devices per operation, as bit masks, kept arc consistent."""

    __slots__ = ("_form", "_from", "_groups", "_masks", "_to")

    def __init__(self, form: Indexed) -> None:
        self._form = form
        devices = range(len(form.devices))
        reach = [[d == e or _joined(form, d, e) for e in devices] for d in devices]
        self._from = [_mask(e for e in devices if reach[d][e]) for d in devices]
        self._to = [_mask(e for e in devices if reach[e][d]) for d in devices]
        self._groups = _groups(form)
        self._masks = [_mask(o.device for o in options) for options in form.options]
        for i, frozen in form.frozen.items():
            self._masks[i] = 1 << frozen.option.device
        _ = self._propagate(self._masks, range(len(self._masks)))

    @property
    def empty(self) -> bool:
        """Whether some operation has no device left: then there is no schedule."""
        return not all(self._masks)

    def allows(self, i: int, device: int) -> bool:
        """Whether every operation still has a device after this choice."""
        chosen = 1 << device
        if self._masks[i] == chosen:
            return True
        if not self._masks[i] & chosen:
            return False
        trial = self._masks.copy()
        trial[i] = chosen
        return self._propagate(trial, [i])

    def choose(self, i: int, device: int) -> None:
        """Settle the device of an operation, and rule out what does not go with it."""
        if self._masks[i] != 1 << device:
            self._masks[i] = 1 << device
            _ = self._propagate(self._masks, [i])

    def _propagate(self, masks: list[int], changed: Iterable[int]) -> bool:
        """Narrow the masks to arc consistency; false as soon as one is empty."""
        queue = list(changed)
        for i in queue:
            for other, mask in self._narrowed(masks, i):
                if mask == masks[other]:
                    continue
                masks[other] = mask
                if not mask:
                    return False
                queue.append(other)
        return True

    def _narrowed(self, masks: list[int], i: int) -> Iterator[tuple[int, int]]:
        """Neighbours of an operation with what its mask leaves them."""
        form, own = self._form, masks[i]
        for other in self._groups.get(i, ()):
            yield other, masks[other] & own
        if form.free_transfers:
            return
        # An edge into an operation that has started is history.
        if i not in form.frozen:
            reaching = _union(self._to, own)
            for other, _ in form.sources[i]:
                yield other, masks[other] & reaching
        reached = _union(self._from, own)
        for other, _ in form.targets[i]:
            if other not in form.frozen:
                yield other, masks[other] & reached


def _joined(form: Indexed, source: int, target: int) -> bool:
    return form.free_transfers or form.links[source][target] is not None


def _mask(devices: Iterable[int]) -> int:
    mask = 0
    for device in devices:
        mask |= 1 << device
    return mask


def _union(masks: list[int], chosen: int) -> int:
    union = 0
    for device, mask in enumerate(masks):
        if chosen >> device & 1:
            union |= mask
    return union


def _groups(form: Indexed) -> dict[int, list[int]]:
    """Per operation of a colocation group, all operations of the group."""
    groups: dict[str, list[int]] = {}
    for i, operation in enumerate(form.problem.operations):
        if operation.colocation:
            groups.setdefault(operation.colocation, []).append(i)
    return {i: found for found in groups.values() for i in found}

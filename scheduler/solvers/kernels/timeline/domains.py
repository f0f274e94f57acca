"""Domains: the devices left for each operation where one choice can rule out another.

Colocation and missing links tie operations together. Arc consistency (Mackworth 1977,
doi:10.1016/0004-3702(77)90007-8) before each choice keeps a constructive method from most dead
ends: it is complete on trees, and looks one cycle short of complete elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part, wide
from scheduler.solvers.kernels.ordering import rows

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays

Int = NDArray[np.int32]
Long = NDArray[np.int64]
Mask = NDArray[np.uint64]
Bits = NDArray[np.bool_]

_OPEN = 0
_SAME, _SENDS, _RECEIVES = 0, 1, 2
_NONE = np.uint64(0)
_ONE = np.uint64(1)
_WORD = 64


class Domains(NamedTuple):
    """Sets of devices as bits of 64-bit words. Empty where no choice rules out another.

    Parameters
    ----------
    now, first
        ``[operation, word]``: devices left by the choices so far; devices before any choice.
    allowed
        ``[kind of tie, device, word]``: devices that a device leaves to the other end of a tie.
    tie_first, tie_to, tie_kind
        Per operation, the operations tied to it, and the kind of each tie.
    trail, trail_was
        Operation and word of each change, and the word before; for `undo`.
    trail_count
        One number: the length of the trail.
    queue
        ``[0]``: operations whose ties are to be propagated; ``[1]``: a flag per queued operation.
    union
        Scratch word of the propagation.
    """

    now: Mask
    first: Mask
    allowed: Mask
    tie_first: Int
    tie_to: Int
    tie_kind: Int
    trail: Int
    trail_was: Mask
    trail_count: Long
    queue: Int
    union: Mask


def domains(a: Arrays) -> tuple[Domains, bool]:
    """Allocate, and make the domains arc consistent; false if one is empty then."""
    parted = bool((a.link_latency_us < 0).any())
    if not parted and not (a.group >= 0).any():
        return _nothing(), True
    n, devices = len(a.state), len(a.link_latency_us)
    own = np.zeros((n, devices), bool)
    own[np.repeat(np.arange(n), np.diff(a.mode_first)), a.machine_device[a.mode_machine]] = True
    joined = a.link_latency_us >= 0
    changes = int(own.sum()) + n + 1
    first, to, kind = _ties(a, parted)
    found = Domains(
        now=_words(own),
        first=_words(own),
        allowed=np.stack([_words(t) for t in (np.eye(devices, dtype=bool), joined, joined.T)]),
        tie_first=first,
        tie_to=to,
        tie_kind=kind,
        trail=np.zeros((changes, 2), np.int32),
        trail_was=np.zeros(changes, np.uint64),
        trail_count=np.zeros(1, np.int64),
        queue=np.zeros((2, n), np.int32),
        union=np.zeros((devices + _WORD - 1) // _WORD, np.uint64),
    )
    consistent = bool(_narrow_all(found))
    found.first[:] = found.now
    return found, consistent


def _nothing() -> Domains:
    """Empty domains, for problems in which no choice rules out another."""
    masks, numbers = np.zeros((0, 0), np.uint64), np.zeros(0, np.int32)
    return Domains(
        now=masks,
        first=masks,
        allowed=np.zeros((0, 0, 0), np.uint64),
        tie_first=numbers,
        tie_to=numbers,
        tie_kind=numbers,
        trail=np.zeros((0, 2), np.int32),
        trail_was=np.zeros(0, np.uint64),
        trail_count=np.zeros(1, np.int64),
        queue=np.zeros((2, 0), np.int32),
        union=np.zeros(0, np.uint64),
    )


def _ties(a: Arrays, parted: bool) -> tuple[Int, Int, Int]:
    """Ties per operation. Edges into started operations are history, and left out."""
    ends: list[tuple[Int, Int, int]] = []
    inside = np.flatnonzero(a.group >= 0).astype(np.int32)
    # Each member is tied to the next of its group: equality travels along the chain.
    ordered = inside[np.argsort(a.group[inside], kind="stable")]
    left, right = ordered[:-1], ordered[1:]
    same = a.group[left] == a.group[right]
    ends += [(left[same], right[same], _SAME), (right[same], left[same], _SAME)]
    if parted:
        count = np.diff(a.source_first)
        target = np.repeat(np.arange(len(a.state), dtype=np.int32), count)
        open_target = a.state[target] == _OPEN
        source, target = a.source_op[open_target], target[open_target]
        ends += [(source, target, _SENDS), (target, source, _RECEIVES)]
    ends_from = np.concatenate([e[0] for e in ends])
    first, position = rows(ends_from, len(a.state))
    to = np.concatenate([e[1] for e in ends])[position]
    kind = np.concatenate([np.full(len(e[0]), e[2], np.int32) for e in ends])[position]
    return first, to, kind


def _words(table: Bits) -> Mask:
    """Pack each row of booleans into words, lowest bit first."""
    words = (table.shape[1] + _WORD - 1) // _WORD
    padded = np.zeros((len(table), words * _WORD), bool)
    padded[:, : table.shape[1]] = table
    packed = np.ascontiguousarray(np.packbits(padded, axis=1, bitorder="little"))
    return packed.view(np.uint64).reshape(len(table), words)


@kernel
def _narrow_all(d: Domains) -> bool:
    n, words = d.now.shape
    for i in range(n):
        some = False
        for word in range(words):
            some = some or d.now[i, word] != _NONE
        if not some:
            return False
        d.queue[0, i] = i
        d.queue[1, i] = 1
    consistent = _propagate(d, wide(n))
    d.trail_count[0] = 0
    return consistent


@lean_part
def clear_domains(d: Domains) -> None:
    """Take back all choices."""
    for i in range(d.now.shape[0]):
        for word in range(d.now.shape[1]):
            d.now[i, word] = d.first[i, word]
    d.trail_count[0] = 0


@lean_part
def allows(d: Domains, i: int, device: int) -> bool:
    """True if every operation still has a device after this choice."""
    if not d.now[i, device // _WORD] >> np.uint64(device % _WORD) & _ONE:
        return False
    mark = d.trail_count[0]
    allowed = choose(d, i, device)
    undo(d, mark)
    return allowed


@lean_part
def choose(d: Domains, i: int, device: int) -> bool:
    """Settle the device of an operation, and propagate; false if a domain becomes empty."""
    changed = False
    for word in range(d.now.shape[1]):
        bit = _ONE << np.uint64(device % _WORD) if word == device // _WORD else _NONE
        changed = _set(d, i, word, bit) or changed
    if not changed:
        return True
    d.queue[0, 0] = i
    d.queue[1, i] = 1
    return _propagate(d, wide(1))


@lean_part
def undo(d: Domains, mark: int) -> None:
    """Undo all changes beyond this length of the trail."""
    for t in range(d.trail_count[0] - 1, mark - 1, -1):
        d.now[d.trail[t, 0], d.trail[t, 1]] = d.trail_was[t]
    d.trail_count[0] = mark


@lean_part
def _set(d: Domains, i: int, word: int, mask: np.uint64) -> bool:
    """Change a word of a domain and log the word before; true if it changed."""
    if d.now[i, word] == mask:
        return False
    t = d.trail_count[0]
    d.trail[t, 0] = i
    d.trail[t, 1] = word
    d.trail_was[t] = d.now[i, word]
    d.trail_count[0] = t + 1
    d.now[i, word] = mask
    return True


@lean_part
def _propagate(d: Domains, count: int) -> bool:
    """Narrow the domains tied to queued operations; false as soon as one is empty."""
    n = d.queue.shape[1]
    head = 0
    while count > 0:
        i = wide(d.queue[0, head])
        head = (head + 1) % n
        count -= 1
        d.queue[1, i] = 0
        for t in range(d.tie_first[i], d.tie_first[i + 1]):
            other = wide(d.tie_to[t])
            _unite(d, i, wide(d.tie_kind[t]))
            left = _narrow(d, other)
            if left == 0:
                _forget(d, head, count)
                return False
            if left == 2 and d.queue[1, other] == 0:
                d.queue[0, (head + count) % n] = other
                d.queue[1, other] = 1
                count += 1
    return True


@lean_part
def _forget(d: Domains, head: int, count: int) -> None:
    """Empty the queue."""
    for q in range(head, head + count):
        d.queue[1, d.queue[0, q % d.queue.shape[1]]] = 0


@lean_part
def _unite(d: Domains, i: int, kind: int) -> None:
    """Set the union of devices that an operation's domain leaves to the other end of a tie."""
    for word in range(len(d.union)):
        d.union[word] = d.now[i, word] if kind == _SAME else _NONE
    if kind == _SAME:
        return
    for device in range(d.allowed.shape[1]):
        if d.now[i, device // _WORD] >> np.uint64(device % _WORD) & _ONE:
            for word in range(len(d.union)):
                d.union[word] |= d.allowed[kind, device, word]


@lean_part
def _narrow(d: Domains, other: int) -> int:
    """Intersect a domain with the union; the result is empty (0), unchanged (1) or smaller (2)."""
    changed = False
    some = False
    for word in range(len(d.union)):
        mask = d.now[other, word] & d.union[word]
        changed = _set(d, other, word, mask) or changed
        some = some or mask != _NONE
    if not some:
        return 0
    return 2 if changed else 1

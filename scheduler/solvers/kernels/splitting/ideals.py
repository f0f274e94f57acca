"""Ideals: sets of blocks closed under predecessors, and the steps between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part, wide

Int = NDArray[np.int32]
Words = NDArray[np.uint64]

_WORD = 64


class Lattice(NamedTuple):
    """All ideals of a graph, smaller ones first; the last one holds all blocks.

    Parameters
    ----------
    first
        Steps from ideal ``i`` are the positions ``first[i] .. first[i + 1]``.
    added, reached
        Per step, the block that is added, and the ideal that results.
    members
        ``[ideal, word]``; a bit per block.
    """

    first: Int
    added: Int
    reached: Int
    members: Words


@kernel
def find_ideals(before_first: Int, before: Int, keys: Words, most: int) -> tuple[Lattice, bool]:
    """List the ideals of a graph, at most `most`; the flag is true if these are all.

    Parameters
    ----------
    before_first, before
        Blocks right before block ``b``: ``before[before_first[b] : before_first[b + 1]]``.
    keys
        A random number per block, for hashing.
    """
    blocks = len(before_first) - 1
    words = (blocks + _WORD - 1) // _WORD + (1 if blocks == 0 else 0)
    room = 1
    while room < 4 * most:
        room *= 2
    table = np.full(room, -1, np.int32)
    members = np.zeros((most, words), np.uint64)
    hashes = np.zeros(most, np.uint64)
    first = np.zeros(most + 1, np.int32)
    added = np.empty(8 * most, np.int32)
    reached = np.empty(8 * most, np.int32)
    table[0] = 0
    count, steps, ideal = wide(1), wide(0), wide(0)
    whole = True
    while ideal < count:
        first[ideal] = steps
        for b in range(blocks):
            if not _can_add(members, ideal, before_first, before, wide(b)):
                continue
            key = hashes[ideal] ^ keys[b]
            slot = _slot(table, members, hashes, key, wide(ideal), wide(b))
            if table[slot] < 0:
                if count == most:
                    whole = False
                    continue
                members[count] = members[ideal]
                members[count, b // _WORD] |= np.uint64(1) << np.uint64(b % _WORD)
                hashes[count] = key
                table[slot] = count
                count += 1
            if steps == len(added):
                whole = False
                continue
            added[steps] = b
            reached[steps] = table[slot]
            steps += 1
        ideal += 1
    first[count] = steps
    found = Lattice(
        first[: count + 1].copy(), added[:steps].copy(), reached[:steps].copy(), members[:count]
    )
    return found, whole


@lean_part
def is_in(members: Words, ideal: int, b: int) -> bool:
    """True if an ideal holds a block."""
    bit = np.uint64(1) << np.uint64(b % _WORD)
    return bool(members[ideal, b // _WORD] & bit)


@lean_part
def _can_add(members: Words, ideal: int, before_first: Int, before: Int, b: int) -> bool:
    if is_in(members, ideal, b):
        return False
    for k in range(before_first[b], before_first[b + 1]):
        if not is_in(members, ideal, wide(before[k])):
            return False
    return True


@lean_part
def _slot(table: Int, members: Words, hashes: Words, key: np.uint64, ideal: int, b: int) -> int:
    """Slot of the hash table for an ideal with one block more: its own, or a free one."""
    mask = np.uint64(len(table) - 1)
    slot = wide(key & mask)
    while table[slot] >= 0:
        other = table[slot]
        if hashes[other] == key and _is_extension(members, wide(other), ideal, b):
            return slot
        slot = wide((slot + 1) % len(table))
    return slot


@lean_part
def _is_extension(members: Words, larger: int, smaller: int, b: int) -> bool:
    for w in range(members.shape[1]):
        wanted = members[smaller, w]
        if w == b // _WORD:
            wanted |= np.uint64(1) << np.uint64(b % _WORD)
        if members[larger, w] != wanted:
            return False
    return True

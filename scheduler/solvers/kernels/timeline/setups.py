"""Gaps on machines whose setups depend on the previous operation.

If setups are kept, the first operation of a family in time has the setup before it. An operation
placed even earlier loads the session for the others, which keep their places and need no more time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.solvers.kernels.compiling import lean_part, wide
from scheduler.solvers.kernels.sorting import above

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays
    from scheduler.solvers.kernels.timeline.drafts import Draft

_OPEN = 0
_WINDOW = -1
_FAR_PAST_US = -(2**62)


@lean_part
def gap_with_setups_us(a: Arrays, w: Draft, k: int, ready_us: int) -> int:
    """Start in the first gap, not before `ready_us`, that holds a mode and the setups around it."""
    s = w.spans
    m = a.mode_machine[k]
    low = s.first[m]
    high = low + s.filled[m]
    p = above(s.end_us, low, high, ready_us)
    setup_us = a.mode_setup_us[k]
    loaded = _first_of_family(a, w, k) if setup_us > 0 and a.machine_keeps[m] else high
    while True:
        left_us = s.end_us[p - 1] if p > low else wide(_FAR_PAST_US)
        start_us = max(ready_us, left_us)
        if setup_us > 0 and loaded >= p and _family_before(a, w, k, p) != a.mode_family[k]:
            start_us = max(start_us, max(left_us, a.now_us) + setup_us)
        if p == high:
            return wide(start_us)
        end_us = start_us + a.mode_us[k]
        if end_us <= s.start_us[p] and _next_can_load(a, w, k, p, end_us):
            return wide(start_us)
        p += 1


@lean_part
def _first_of_family(a: Arrays, w: Draft, k: int) -> int:
    """Position of the first span of a mode's family on its machine; behind all if there is none."""
    m = a.mode_machine[k]
    low = w.spans.first[m]
    for q in range(low, low + w.spans.filled[m]):
        i = w.spans.operation[q]
        if i != _WINDOW and a.mode_family[w.mode[i]] == a.mode_family[k]:
            return wide(q)
    return wide(low + w.spans.filled[m])


@lean_part
def _family_before(a: Arrays, w: Draft, k: int, p: int) -> int:
    """Family that the machine of a mode holds in the gap before a span."""
    m = a.mode_machine[k]
    for q in range(p - 1, w.spans.first[m] - 1, -1):
        i = w.spans.operation[q]
        if i != _WINDOW:
            return wide(a.mode_family[w.mode[i]])
    return wide(a.machine_family[m])


@lean_part
def _next_can_load(a: Arrays, w: Draft, k: int, p: int, end_us: int) -> bool:
    """True if the next operation after a gap keeps the time for its setup, or needs none."""
    s = w.spans
    m = a.mode_machine[k]
    left_us = end_us
    for q in range(p, s.first[m] + s.filled[m]):
        i = s.operation[q]
        if i == _WINDOW:
            left_us = s.end_us[q]
            continue
        other = wide(w.mode[i])
        setup_us = a.mode_setup_us[other]
        if setup_us == 0 or a.state[i] != _OPEN or a.mode_family[other] == a.mode_family[k]:
            return True
        is_free = left_us + setup_us <= s.start_us[q]
        return bool(is_free or (a.machine_keeps[m] and _first_of_family(a, w, other) < q))
    return True

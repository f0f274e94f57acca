"""Features of a problem: all that it has beyond modes, precedence and releases."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.arrays import NEVER_US, OPEN, Arrays
from scheduler.solvers.registry import Feature


def features(form: Arrays) -> frozenset[Feature]:
    """Features of a form, all of which a solver must take into account."""
    pairs = ~np.eye(len(form.link_latency_us), dtype=bool)
    costly = (form.link_latency_us != 0) | (form.link_rate != 0)
    loads, keeps = form.mode_setup_us > 0, form.machine_keeps[form.mode_machine] != 0
    limited = form.machine_memory_bytes[form.mode_machine] < NEVER_US
    present = {
        Feature.TRANSFERS: len(form.source_op) > 0 and (costly & pairs).any(),
        Feature.WINDOWS: len(form.window_start_us) > 0,
        Feature.STARTED: (form.state != OPEN).any(),
        Feature.SETUPS: (loads & ~keeps).any(),
        Feature.KEPT_SETUPS: (loads & keeps).any(),
        Feature.MEMORY: (limited & (form.mode_resident_bytes > 0)).any(),
        Feature.COLOCATION: (form.group >= 0).any(),
        Feature.RESOURCES: _demanded(form, renewable=True),
        Feature.BUDGETS: _demanded(form, renewable=False),
        Feature.SHARED_MACHINES: (form.machine_exclusive[form.mode_machine] == 0).any(),
    }
    return frozenset(feature for feature, is_present in present.items() if is_present)


def _demanded(form: Arrays, *, renewable: bool) -> bool:
    kinds = form.resource_renewable[form.demand_resource] != 0
    return bool((kinds[form.demand_amount > 0] == renewable).any())

"""Lower bounds on the greatest load of any contiguous split."""

from __future__ import annotations

import numpy as np

from scheduler.instances.network import PlacementProblem
from scheduler.splitting.blocks import Blocks, Times


def saving_of_a_core(placement: PlacementProblem, blocks: Blocks) -> float:
    """Most accelerator time that a core of the host saves per unit of its own time."""
    able = np.isfinite(blocks.accelerator_time) & (blocks.host_time > 0)
    if not placement.cores or not able.any():
        return 0.0
    return float((blocks.accelerator_time[able] / blocks.host_time[able]).max())


def rests(placement: PlacementProblem, blocks: Blocks) -> Times:
    """Time that each block needs at least, in time of accelerators."""
    rest = blocks.host_time * saving_of_a_core(placement, blocks)
    return np.minimum(blocks.accelerator_time, rest) if placement.cores else blocks.accelerator_time


def load_bound(placement: PlacementProblem, blocks: Blocks) -> float:
    """Lower bound on the greatest load: all work shared evenly, or the slowest single block."""
    if not len(blocks):
        return 0.0
    share = placement.accelerators + placement.cores * saving_of_a_core(placement, blocks)
    fits = blocks.size_bytes <= placement.memory_bytes
    alone = np.where(fits & (placement.accelerators > 0), blocks.accelerator_time, np.inf)
    if placement.cores:
        alone = np.minimum(alone, blocks.host_time)
    evenly = rests(placement, blocks).sum() / share if share > 0 else np.inf
    return float(max(evenly, alone.max()))

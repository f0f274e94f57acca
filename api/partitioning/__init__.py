"""Partitions of models: found by cost, extracted and proven in a confined child.

Begin with `asking.py`, which starts the child of `child.py`; `searching.py` has
`scheduler.splitting` choose the places to cut.
"""

from api.partitioning.asking import partition_in_child
from api.partitioning.wanted import MAX_PIECES, MadePartition, MadePiece, Wanted

__all__ = ["MAX_PIECES", "MadePartition", "MadePiece", "Wanted", "partition_in_child"]

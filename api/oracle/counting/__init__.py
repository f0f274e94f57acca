"""Counts of graphs: made in a confined child, once per model, kept beside the model's file.

Begin with `counting.py`, which starts the child of `child.py`; `kept.py` is the file. The package
loads little, because the child loads it too.
"""

from api.oracle.counting.counting import count_all_in_child, count_in_child
from api.oracle.counting.kept import (
    COST_SUFFIX,
    PART_SUFFIX,
    Counted,
    KeptCounts,
    cost_path,
    drop,
    read,
    write,
)

__all__ = [
    "COST_SUFFIX",
    "PART_SUFFIX",
    "Counted",
    "KeptCounts",
    "cost_path",
    "count_all_in_child",
    "count_in_child",
    "drop",
    "read",
    "write",
]

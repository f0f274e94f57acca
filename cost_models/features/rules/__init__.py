"""Rules that count each operator: its class, arithmetic and traffic.

A new operator is a row of `table.py`; its arithmetic stands in `products.py` or `simple.py`. The
rules see a `Call`, the node with the shapes around it, and nothing of the graph. Begin with
`table.py`.
"""

from cost_models.features.rules.call import Call
from cost_models.features.rules.rule import Counts
from cost_models.features.rules.table import count, is_known, qualified

__all__ = ["Call", "Counts", "count", "is_known", "qualified"]

"""Rules that count each operator: its class, arithmetic and traffic."""

from cost_models.features.rules.call import Call
from cost_models.features.rules.rule import Counts
from cost_models.features.rules.table import count, is_known, qualified

__all__ = ["Call", "Counts", "count", "is_known", "qualified"]

"""Learned durations: sums over kernels, boosted quantiles of load, calibrated on strangers.

`training.py` makes an artifact of rows, `champion.py` holds it against the one in use, and
`learned.py` predicts from it. Only training needs scikit-learn, behind `engines.py`; trees are run
by a `Regressor` that the caller hands in. May import `features`, `profiles`, `online.pace` and
`roofline`. Begin with `training.py` to learn, with `learned.py` to predict.
"""

from cost_models.learned.artifact import Artifact, artifact_from
from cost_models.learned.base import Regressor
from cost_models.learned.learned import Learned, PreparedGraph, PreparedLoad, Quantiles
from cost_models.learned.query import Query, query_of
from cost_models.learned.training import train

__all__ = [
    "Artifact",
    "Learned",
    "PreparedGraph",
    "PreparedLoad",
    "Quantiles",
    "Query",
    "Regressor",
    "artifact_from",
    "query_of",
    "train",
]

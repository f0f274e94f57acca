"""Learned durations: sums over kernels, boosted quantiles of load, calibrated on strangers."""

from cost_models.learned.artifact import Artifact, artifact_from
from cost_models.learned.base import Regressor
from cost_models.learned.learned import Context, Learned, Quantiles, Work
from cost_models.learned.query import Query, query_of
from cost_models.learned.training import train

__all__ = [
    "Artifact",
    "Context",
    "Learned",
    "Quantiles",
    "Query",
    "Regressor",
    "Work",
    "artifact_from",
    "query_of",
    "train",
]

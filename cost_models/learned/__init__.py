"""Learned durations: sums over kernels, boosted quantiles of load, calibrated on strangers."""

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

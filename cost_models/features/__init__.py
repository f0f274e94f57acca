"""Costs of an ONNX graph for given input shapes: operators, fusion, totals, a feature vector."""

from cost_models.features.costs import (
    GraphCost,
    GroupCost,
    OperatorClass,
    OperatorCost,
    OperatorWindow,
)
from cost_models.features.graph import graph_cost
from cost_models.features.kernels import Kernel, kernels
from cost_models.features.summary import VERSION, Summary, scaled, summarise
from cost_models.features.vector import FEATURES, vector

__all__ = [
    "FEATURES",
    "VERSION",
    "GraphCost",
    "GroupCost",
    "Kernel",
    "OperatorClass",
    "OperatorCost",
    "OperatorWindow",
    "Summary",
    "graph_cost",
    "kernels",
    "scaled",
    "summarise",
    "vector",
]

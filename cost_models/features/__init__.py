"""What an ONNX graph costs for given input shapes: operators, fusion, totals, a feature vector."""

from cost_models.features.costs import GraphCost, GroupCost, OperatorClass, OperatorCost, Window
from cost_models.features.graph import graph_cost
from cost_models.features.kernels import Kernel, kernels
from cost_models.features.vector import FEATURES, vector

__all__ = [
    "FEATURES",
    "GraphCost",
    "GroupCost",
    "Kernel",
    "OperatorClass",
    "OperatorCost",
    "Window",
    "graph_cost",
    "kernels",
    "vector",
]

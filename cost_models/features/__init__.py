"""Costs of an ONNX graph for given input shapes: operators, fusion, totals, a feature vector.

`tracing.py` follows the nodes, `rules` count each operator, `fusion` groups nodes into kernels,
`flow.py` and `layout.py` find memory traffic, `summary.py` is the part that is kept. The lowest
room: it imports `devices.models` alone, and no runtime. Begin with `graph.py`.

Examples
--------
>>> from onnx import TensorProto, helper
>>> x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 4]) for n in "xy")
>>> graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
>>> model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
>>> [(each.op_type, each.flops) for each in graph_cost(model, {"x": (2, 4)}).operators]
[('Relu', 8)]
"""

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

"""Shapes of the outputs of one node, from those of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import prod

import onnx
from onnx import ModelProto, NodeProto, TensorProto, defs, numpy_helper, shape_inference

from cost_models.features.tensors import Tensor, sizes_of, type_of
from cost_models.features.values import Value

_STANDARD_OF = {
    # Operators that ONNX Runtime fused, and the standard one whose output has the same shape.
    "FusedConv": "Conv",
    "FusedGemm": "Gemm",
    "FusedMatMul": "MatMul",
    "MatMulIntegerToFloat": "MatMul",
    "DynamicQuantizeMatMul": "MatMul",
    "DynamicQuantizeLSTM": "LSTM",
}
_LIKE_FIRST = frozenset(
    {
        *("Gelu", "FastGelu", "BiasGelu", "QuickGelu", "LayerNormalization"),
        *("SkipLayerNormalization", "SimplifiedLayerNormalization"),
        *("SkipSimplifiedLayerNormalization", "QLinearSigmoid", "QLinearLeakyRelu"),
        *("QuantizeLinear", "DequantizeLinear", "MultiHeadAttention", "RotaryEmbedding"),
        *("QLinearAdd", "QLinearMul"),
    }
)
_SELECTING = frozenset({"NonZero", "Unique", "Compress"})
"""Their outputs may have as many elements as all inputs together."""
_NOTHING = "fjord.nothing"
_EMPTY = TensorProto(name=_NOTHING, data_type=TensorProto.FLOAT, dims=[0])

Sizes = tuple[str, tuple[int | None, ...] | None]


class Inference:
    """Infers with the operator versions that a model imports."""

    def __init__(self, model: ModelProto) -> None:
        self._opsets = list(model.opset_import)
        self._versions = {opset.domain: opset.version for opset in model.opset_import}

    def outputs(
        self,
        node: NodeProto,
        inputs: Sequence[Tensor | None],
        values: Mapping[int, Value],
    ) -> list[Tensor]:
        """A tensor for each output of a node; marked as assumed where nothing better is known."""
        found = self._inferred(node, inputs, values)
        taints = any(tensor is not None and tensor.is_assumed for tensor in inputs)
        # By convention the first input is the data.
        data = next((tensor for tensor in inputs if tensor is not None), Tensor("float32", ()))
        return [_settled(found.get(name), node, data, taints) for name in node.output]

    def _inferred(
        self, node: NodeProto, inputs: Sequence[Tensor | None], values: Mapping[int, Value]
    ) -> dict[str, Sizes]:
        if special := _special(node, inputs):
            return {node.output[0]: special}
        plain = _in_standard_terms(node)
        schema = self._schema(plain)
        if schema is None:
            return {}
        names = [f"i{position}" if name else "" for position, name in enumerate(plain.input)]
        renamed = _renamed(plain, names, schema)
        types = {
            name: type_of(_as_standard(tensor, inputs) if plain is not node else tensor)
            for name, tensor in zip(names, inputs, strict=False)
            if name and tensor is not None
        }
        data = {f"i{i}": numpy_helper.from_array(value) for i, value in values.items()}
        types[_NOTHING] = type_of(Tensor("float32", (0,)))
        try:
            found = shape_inference.infer_node_outputs(
                schema, renamed, types, {**data, _NOTHING: _EMPTY}, opset_imports=self._opsets
            )
        except (
            shape_inference.InferenceError,
            onnx.checker.ValidationError,
            RuntimeError,
            KeyError,
            ValueError,
        ):
            return {}
        return {name: sizes_of(proto) for name, proto in found.items()}

    def _schema(self, node: NodeProto) -> defs.OpSchema | None:
        domain = "" if node.domain == "ai.onnx" else node.domain
        version = self._versions.get(domain) or self._versions.get("ai.onnx", 1)
        return _schema(node.op_type, version, domain)


@cache
def _schema(op_type: str, version: int, domain: str) -> defs.OpSchema | None:
    try:
        return defs.get_schema(op_type, version, domain)
    except defs.SchemaError:
        return None


def _in_standard_terms(node: NodeProto) -> NodeProto:
    """The node, or for one that ONNX Runtime fused the standard one it was made from."""
    if node.domain != "com.microsoft" or node.op_type not in _STANDARD_OF:
        return node
    plain = NodeProto()
    plain.CopyFrom(node)
    plain.domain, plain.op_type = "", _STANDARD_OF[node.op_type]
    del plain.attribute[:]
    known = _schema(plain.op_type, defs.onnx_opset_version(), "")
    if known is not None:
        plain.attribute.extend(a for a in node.attribute if a.name in known.attributes)
    least = 2 if plain.op_type == "MatMul" else 3
    del plain.input[least:]
    return plain


def _as_standard(tensor: Tensor, inputs: Sequence[Tensor | None]) -> Tensor:
    """Weights of a type that the standard operator does not mix with its data."""
    return Tensor(inputs[0].dtype if inputs[0] else tensor.dtype, tensor.shape, tensor.is_assumed)


def _renamed(node: NodeProto, names: Sequence[str], schema: defs.OpSchema) -> NodeProto:
    """A copy with other input names, since one tensor may be given twice with different values."""
    renamed = NodeProto()
    renamed.CopyFrom(node)
    del renamed.input[:]
    # Files of old exporters leave inputs out that the schema does not call optional.
    renamed.input.extend(
        name or (_NOTHING if _is_required(schema, position) else "")
        for position, name in enumerate(names)
    )
    return renamed


def _is_required(schema: defs.OpSchema, position: int) -> bool:
    formal = schema.inputs
    option = formal[min(position, len(formal) - 1)].option if formal else None
    return option == defs.OpSchema.FormalParameterOption.Single


def _special(node: NodeProto, inputs: Sequence[Tensor | None]) -> Sizes | None:
    """Contributed operators of which ONNX knows no schema."""
    first = inputs[0] if inputs else None
    if node.domain != "com.microsoft" or first is None or node.op_type not in _LIKE_FIRST:
        return None
    shape = first.shape
    if node.op_type in {"QLinearAdd", "QLinearMul"} and len(inputs) > 3 and inputs[3]:
        shape = max(shape, inputs[3].shape, key=prod)
    quantised = {"QuantizeLinear": "uint8", "DequantizeLinear": "float32"}
    return quantised.get(node.op_type, first.dtype), shape


def _settled(found: Sizes | None, node: NodeProto, data: Tensor, taints: bool) -> Tensor:
    """Inferred outputs, with guesses in the gaps: sizes of the data that the node works on."""
    dtype, sizes = found or (data.dtype, None)
    if sizes is None:
        return Tensor(dtype, data.shape, is_assumed=True)
    filled = tuple(
        size if size is not None else _size_at(node, data, axis, len(sizes))
        for axis, size in enumerate(sizes)
    )
    return Tensor(dtype, filled, is_assumed=taints or None in sizes)


def _size_at(node: NodeProto, data: Tensor, axis: int, rank: int) -> int:
    if node.op_type == "NonMaxSuppression":
        # At most all boxes, of [batches, boxes, 4].
        return data.shape[1]
    if node.op_type not in _SELECTING and len(data.shape) == rank:
        return data.shape[axis]
    return max(1, data.elements)

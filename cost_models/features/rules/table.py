"""The table of operators: one that is missing is named as unknown, never counted as nothing."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import NodeProto

from cost_models.features.costs import OperatorClass
from cost_models.features.rules import products, simple
from cost_models.features.rules.call import Call
from cost_models.features.rules.rule import Count, Counts, Rule, nothing, per_input, per_output

_FREE = (
    *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Shape", "Size", "Dropout"),
    *("Optional", "OptionalGetElement", "OptionalHasElement", "BitCast"),
    *("SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceLength"),
)
_MOVEMENT = (
    *("CenterCropPad", "Concat", "ConcatFromSequence", "ConstantOfShape", "DepthToSpace"),
    *("Expand", "EyeLike", "OneHot", "Pad", "Range", "ReverseSequence", "Scatter"),
    *("ScatterElements", "ScatterND", "SpaceToDepth", "Split", "SplitToSequence"),
    *("TensorScatter", "Tile", "Transpose", "Trilu", "MaxUnpool", "Col2Im", "Constant"),
    *("SequenceInsert", "SequenceErase", "QLinearConcat"),
)
_PICKING = ("Gather", "GatherElements", "GatherND", "Slice", "Compress", "ArrayFeatureExtractor")
_QUANTISING: dict[str, int] = {
    "QuantizeLinear": 3,  # quotient, rounding, shift
    "DynamicQuantizeLinear": 5,  # least, greatest, then as above
    "DequantizeLinear": 2,
}
_RANDOM = (
    *("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"),
    "RandomUniformLike",
)
_CONV = ("Conv", "ConvInteger", "QLinearConv", "FusedConv", "NhwcFusedConv", "QLinearConvNhwc")
_MATMUL = ("MatMul", "Gemm", "MatMulInteger", "QLinearMatMul")
_FUSED_MATMUL = ("FusedMatMul", "FusedGemm", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")
_SEARCHING = ("TopK", "Unique", "NonZero")


def _rules(op_class: OperatorClass, counts: Mapping[str, Count]) -> dict[str, Rule]:
    return {name: Rule(op_class=op_class, flops=count) for name, count in counts.items()}


def _standard() -> dict[str, Rule]:
    of = OperatorClass
    conv = Rule(op_class=of.CONV, flops=products.conv, window=products.conv_window)
    matmul = Rule(op_class=of.MATMUL, flops=products.matmul, window=products.matmul_window)
    table = dict.fromkeys(_CONV[:3], conv) | dict.fromkeys(_MATMUL, matmul)
    table |= dict.fromkeys(_FREE, Rule(op_class=of.FREE, is_free=True))
    table |= dict.fromkeys(_MOVEMENT, Rule(op_class=of.MOVEMENT))
    table |= dict.fromkeys(_PICKING, Rule(op_class=of.MOVEMENT, reads_what_it_gives=True))
    table |= _rules(of.ELEMENTWISE, {n: per_output(c) for n, c in simple.ELEMENTWISE.items()})
    table |= _rules(of.NORMALISATION, {n: per_input(c) for n, c in simple.NORMALISING.items()})
    table |= _rules(of.REDUCTION, {n: per_input(c) for n, c in simple.REDUCING.items()})
    table |= _rules(of.QUANTISE, {n: per_input(c) for n, c in _QUANTISING.items()})
    table |= _rules(of.ELEMENTWISE, dict.fromkeys(_RANDOM, per_output(products.EXPONENTIAL)))
    table |= _rules(of.ELEMENTWISE, dict.fromkeys(("Sum", "Mean", "Max", "Min"), simple.variadic))
    table |= _rules(of.ELEMENTWISE, {"Cast": per_output(1), "CastLike": per_output(1)})
    recurrent = Rule(
        op_class=of.RECURRENT, flops=products.recurrent, window=products.recurrent_window
    )
    table |= dict.fromkeys(("LSTM", "GRU", "RNN"), recurrent)
    table |= _rules(of.SELECTION, dict.fromkeys(_SEARCHING, simple.sorting))
    table |= _rules(of.CONTROL, dict.fromkeys(("If", "Loop", "Scan"), nothing))
    return table | _single_rules(conv, matmul)


def _single_rules(conv: Rule, matmul: Rule) -> dict[str, Rule]:
    of = OperatorClass
    return {
        "ConvTranspose": Rule(
            op_class=of.CONV, flops=products.conv_transpose, window=products.conv_window
        ),
        "DeformConv": Rule(
            op_class=of.CONV, flops=products.deform_conv, window=products.conv_window
        ),
        "Einsum": Rule(op_class=of.MATMUL, flops=products.einsum),
        "Attention": Rule(op_class=of.ATTENTION, flops=products.attention),
        "RotaryEmbedding": Rule(op_class=of.ELEMENTWISE, flops=per_output(3)),
        "Pow": Rule(op_class=of.ELEMENTWISE, flops=simple.power),
        "LRN": Rule(op_class=of.NORMALISATION, flops=simple.local_response),
        **_rules(of.POOLING, dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), simple.pooling)),
        **{
            name: Rule(op_class=of.POOLING, flops=per_input(simple.REDUCING[name]))
            for name in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
        },
        **_rules(of.RESIZE, dict.fromkeys(("Resize", "Upsample"), simple.resize)),
        "GridSample": Rule(op_class=of.RESIZE, flops=simple.grid_sample),
        "AffineGrid": Rule(op_class=of.RESIZE, flops=per_output(6)),
        "RoiAlign": Rule(op_class=of.POOLING, flops=simple.region_pooling),
        "MaxRoiPool": Rule(op_class=of.POOLING, flops=per_input(1)),
        "NonMaxSuppression": Rule(op_class=of.SELECTION, flops=simple.suppression),
        **_rules(of.REDUCTION, dict.fromkeys(("DFT", "STFT"), simple.fourier)),
        **_rules(
            of.ELEMENTWISE,
            dict.fromkeys(
                ("HannWindow", "HammingWindow", "BlackmanWindow"),
                per_output(2 * products.EXPONENTIAL),
            ),
        ),
    }


def _microsoft() -> dict[str, Rule]:
    of = OperatorClass
    conv = Rule(op_class=of.CONV, flops=products.conv, window=products.conv_window)
    matmul = Rule(op_class=of.MATMUL, flops=products.matmul, window=products.matmul_window)
    table = dict.fromkeys(_CONV[3:], conv) | dict.fromkeys(_FUSED_MATMUL, matmul)
    for name in ("Gelu", "FastGelu", "BiasGelu", "QuickGelu"):
        count = per_output(simple.ELEMENTWISE[name])
        table[name] = Rule(op_class=of.ELEMENTWISE, flops=count)
    for name in (n for n in simple.NORMALISING if "Layer" in n):
        count = per_input(simple.NORMALISING[name])
        table[name] = Rule(op_class=of.NORMALISATION, flops=count)
    # On 8-bit numbers, unpacked and packed again around one instruction.
    for name, flops in (("QLinearAdd", 6), ("QLinearMul", 6), ("QLinearLeakyRelu", 6)):
        table[name] = Rule(op_class=of.ELEMENTWISE, flops=per_output(flops))
    table["QLinearSigmoid"] = Rule(op_class=of.ELEMENTWISE, flops=per_output(1))
    table["QLinearConcat"] = Rule(op_class=of.MOVEMENT)
    table["QLinearGlobalAveragePool"] = Rule(op_class=of.POOLING, flops=per_input(1))
    table["QLinearAveragePool"] = Rule(op_class=of.POOLING, flops=simple.pooling)
    table["DynamicQuantizeLSTM"] = Rule(
        op_class=of.RECURRENT, flops=products.recurrent, window=products.recurrent_window
    )
    table["MatMulNBits"] = Rule(op_class=of.MATMUL, flops=products.matmul_nbits)
    table["Attention"] = Rule(op_class=of.ATTENTION, flops=products.packed_attention)
    table["MultiHeadAttention"] = Rule(op_class=of.ATTENTION, flops=products.attention)
    for name in ("QuantizeLinear", "DequantizeLinear"):
        table[name] = Rule(op_class=of.QUANTISE, flops=per_input(_QUANTISING[name]))
    return table


def _classic() -> dict[str, Rule]:
    of = OperatorClass
    names = ("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor")
    table = _rules(of.SELECTION, dict.fromkeys(names, simple.trees))
    linear = dict.fromkeys(("LinearClassifier", "LinearRegressor"), simple.linear_model)
    table |= _rules(of.MATMUL, linear)
    table |= _rules(of.ELEMENTWISE, {"Scaler": per_output(2), "Binarizer": per_output(1)})
    table |= _rules(of.ELEMENTWISE, {"Normalizer": per_output(3), "Imputer": per_output(1)})
    table["FeatureVectorizer"] = Rule(op_class=of.MOVEMENT)
    table["ArrayFeatureExtractor"] = Rule(op_class=of.MOVEMENT, reads_what_it_gives=True)
    return table


STANDARD = _standard()
_TABLES = {
    "": STANDARD,
    "ai.onnx": STANDARD,
    "com.microsoft": _microsoft(),
    "ai.onnx.ml": _classic(),
}
UNKNOWN = Rule(op_class=OperatorClass.UNKNOWN, flops=per_output(1))
"""Rule of an operator that is in no table: it touches everything once. A guess, named as one."""


def count(call: Call) -> tuple[OperatorClass, Counts, bool]:
    """Class and counts of one use of an operator, and true if they are more than a guess."""
    rule = rule_of(call.node)
    counts = rule.count(call) if rule is not None else None
    if rule is not None and counts is not None:
        return rule.op_class, counts, True
    guess = UNKNOWN.count(call)
    assert guess is not None, "counting elements cannot fail"
    return OperatorClass.UNKNOWN, guess, False


def is_known(node: NodeProto) -> bool:
    """True if there is a rule for the operator of a node."""
    return rule_of(node) is not None


def rule_of(node: NodeProto) -> Rule | None:
    """Rule for a node; ``None`` if nothing is known of its operator."""
    return _TABLES.get(node.domain, {}).get(node.op_type)


def qualified(node: NodeProto) -> str:
    """Operator type, with its domain unless it is the standard one."""
    is_standard = node.domain in {"", "ai.onnx"}
    return node.op_type if is_standard else f"{node.domain}.{node.op_type}"

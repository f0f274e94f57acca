"""Everything that is counted per element."""

from __future__ import annotations

from math import ceil, log2, prod

from cost_models.features.rules.call import Call
from cost_models.features.rules.products import EXPONENTIAL, SIGMOID, SOFTMAX, TANH

ELEMENTWISE: dict[str, int] = {
    # One instruction each, quotient and root included.
    **dict.fromkeys(
        (
            *("Abs", "Add", "And", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr"),
            *("BitwiseXor", "Ceil", "Div", "Equal", "Floor", "Greater", "GreaterOrEqual"),
            *("IsInf", "IsNaN", "Less", "LessOrEqual", "Mul", "Neg", "Not", "Or", "Reciprocal"),
            *("Relu", "Round", "Sign", "Sqrt", "Sub", "ThresholdedRelu", "Where", "Xor"),
        ),
        1,
    ),
    **dict.fromkeys(("Clip", "LeakyRelu", "PRelu", "Mod", "Shrink", "Softsign"), 2),
    **dict.fromkeys(
        (
            *("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Erf", "Exp"),
            *("Log", "Pow", "Sin", "Sinh", "Tan", "Tanh"),
        ),
        EXPONENTIAL,
    ),
    "Sigmoid": SIGMOID,
    "HardSigmoid": 4,
    "HardSwish": 5,
    "Swish": SIGMOID + 1,
    "QuickGelu": SIGMOID + 2,
    "Softplus": 2 * EXPONENTIAL + 1,
    "Mish": 2 * EXPONENTIAL + 1 + TANH + 1,
    "Elu": EXPONENTIAL + 2,
    "Celu": EXPONENTIAL + 4,
    "Selu": EXPONENTIAL + 3,
    "Gelu": EXPONENTIAL + 4,
    "FastGelu": TANH + 8,
    "BiasGelu": EXPONENTIAL + 5,
    "SwiGLU": SIGMOID + 2,
}
"""Flops per element of the output."""

NORMALISING: dict[str, int] = {
    "BatchNormalization": 2,  # at inference: one scale and one shift
    "LayerNormalization": 7,  # mean, difference, square, variance, quotient, scale, shift
    "GroupNormalization": 7,
    "InstanceNormalization": 7,
    "SkipLayerNormalization": 8,
    "MeanVarianceNormalization": 5,
    "RMSNormalization": 4,
    "SimplifiedLayerNormalization": 4,
    "SkipSimplifiedLayerNormalization": 5,
    "LpNormalization": 3,
    "Softmax": SOFTMAX,
    "LogSoftmax": SOFTMAX,
    "Hardmax": 2,
}
"""Flops per element of the input."""

REDUCING: dict[str, int] = {
    **dict.fromkeys(
        ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceLogSum"), 1
    ),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceSumSquare", "ArgMax", "ArgMin"), 2),
    "ReduceLogSumExp": EXPONENTIAL + 3,
    "CumSum": 1,
    "CumProd": 1,
    "GlobalAveragePool": 1,
    "GlobalMaxPool": 1,
    "GlobalLpPool": 2,
}
"""Flops per element of the input."""


def variadic(call: Call) -> int:
    """Sum, Mean, Max, Min of many: one per operand but the first; a mean divides as well."""
    operands = sum(tensor is not None for tensor in call.inputs) - 1
    return call.output.elements * (operands + (call.node.op_type == "Mean"))


def power(call: Call) -> int:
    """A square or a root is one instruction, anything else transcendental."""
    exponent = call.values.get(1)
    is_simple = exponent is not None and exponent.size == 1 and float(exponent) in {2.0, 0.5, 1.0}
    return call.output.elements * (1 if is_simple else EXPONENTIAL)


def pooling(call: Call) -> int:
    """One per element under the kernel; a norm takes two."""
    kernel: int = prod(call.attributes.get("kernel_shape", (1,)))
    return call.output.elements * kernel * (2 if call.node.op_type == "LpPool" else 1)


def local_response(call: Call) -> int:
    """LRN: squares, a sum over neighbours, scale, bias, power, quotient."""
    return call.output.elements * (int(call.attributes["size"]) + 4 + EXPONENTIAL)


def resize(call: Call) -> int:
    """Nearest only copies; linear blends 2 points per scaled axis, cubic 4, at 2 flops each."""
    mode = call.attributes.get("mode", b"nearest")
    if mode == b"nearest":
        return 0
    source, target = call.input(0).shape, call.output.shape
    scaled = sum(a != b for a, b in zip(source, target, strict=False))
    return int(2 * call.output.elements * (4 if mode == b"cubic" else 2) ** scaled)


def grid_sample(call: Call) -> int:
    """Points blended by linear or cubic weights over the spatial axes, 2 flops each."""
    axes = max(1, len(call.input(0).shape) - 2)
    mode = call.attributes.get("mode", b"linear")
    points = {b"nearest": 1, b"cubic": 4, b"bicubic": 4}.get(mode, 2)
    return int(2 * call.output.elements * points**axes)


def region_pooling(call: Call) -> int:
    """RoiAlign: four points blended (8 flops) per sample of each bin."""
    samples = max(1, int(call.attributes.get("sampling_ratio", 0))) ** 2
    return 8 * samples * call.output.elements


def sorting(call: Call) -> int:
    """Comparisons of a selection from a heap: n log k; of a whole sort: n log n."""
    elements = call.input(0).elements
    axis = int(call.attributes.get("axis", -1))
    shape = call.output.shape if call.node.op_type == "TopK" else (elements,)
    kept = shape[axis] if shape and -len(shape) <= axis < len(shape) else elements
    return elements * max(1, ceil(log2(max(2, kept))))


def suppression(call: Call) -> int:
    """NMS: a sort per class, and some 20 flops for each kept box against each other."""
    boxes, scores = call.input(0).shape, call.input(1).shape
    most = call.values.get(2)
    count, lists = (*boxes, 1, 1)[1], prod((*scores, 1, 1)[:2])
    kept = min(count, int(most.reshape(-1)[0]) if most is not None and most.size else count)
    return lists * count * (max(1, ceil(log2(max(2, count)))) + 20 * kept)


def fourier(call: Call) -> int:
    """5 n log n per transform, the classic count of the fast one; an STFT has one per frame."""
    length = call.input(0).shape[int(call.attributes.get("axis", -2))]
    if call.node.op_type == "STFT":
        # Frames, then bins: half of them and one when the signal is real.
        bins = call.output.shape[2]
        length = 2 * (bins - 1) if call.attributes.get("onesided", 1) else bins
        transforms = prod(call.output.shape[:2])
    else:
        transforms = call.input(0).elements // max(1, length * call.input(0).shape[-1])
    return transforms * 5 * length * max(1, ceil(log2(max(2, length))))


def trees(call: Call) -> int:
    """One comparison per level of each tree and row; a tree of n nodes has about log2 n levels."""
    roots = call.attributes.get("nodes_treeids", ())
    count = len(set(roots)) or len(call.attributes.get("tree_roots", (0,)))
    nodes = max(2, len(roots) // max(1, count))
    rows = call.input(0).shape[0] if call.input(0).shape else 1
    return rows * count * ceil(log2(nodes))


def linear_model(call: Call) -> int:
    """2 per coefficient and row."""
    rows = call.input(0).shape[0] if len(call.input(0).shape) > 1 else 1
    return 2 * rows * len(call.attributes.get("coefficients", ()))

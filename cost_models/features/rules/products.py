"""Convolutions, matrix products, recurrent layers, attention: where the arithmetic is.

A multiplication and an addition count as two.
"""

from __future__ import annotations

from math import prod

from cost_models.features.costs import OperatorWindow
from cost_models.features.rules.call import Call
from cost_models.features.tensors import Tensor

EXPONENTIAL = 10
"""Flops of a transcendental function: a polynomial of degree five, as math libraries use."""
SIGMOID = EXPONENTIAL + 2
TANH = EXPONENTIAL
SOFTMAX = EXPONENTIAL + 4
"""Per element: maximum, difference, exponential, sum, quotient."""


def _weights_at(call: Call) -> int:
    # QLinearConv is x, x_scale, x_zero_point, w, ...
    return 3 if call.node.op_type == "QLinearConv" else 1


def _bias_at(call: Call) -> int | None:
    position = {"QLinearConv": 8, "ConvInteger": None}.get(call.node.op_type, 2)
    return position if position is not None and call.has(position) else None


def conv_window(call: Call) -> OperatorWindow:
    """Window of a convolution, transposed or not; weights are [out, in / groups, kernel...]."""
    weights = call.input(_weights_at(call)).shape
    groups = int(call.attributes.get("group", 1))
    is_transposed = call.node.op_type == "ConvTranspose"
    first, second = (*weights, 1, 1)[:2]
    return OperatorWindow(
        kernel=tuple(weights[2:]),
        strides=tuple(call.attributes.get("strides", ())),
        channels_in=first if is_transposed else second * groups,
        channels_out=second * groups if is_transposed else first,
        rows=call.output.shape[0] * prod(call.output.shape[2:]) if call.output.shape else 0,
        groups=groups,
        is_transposed=is_transposed,
        items=call.output.shape[0] if call.output.shape else 1,
    )


def conv(call: Call) -> int:
    """2 x outputs x inputs of a group x kernel, and one per output for a bias."""
    weights = call.input(_weights_at(call)).shape
    bias = call.output.elements if _bias_at(call) is not None else 0
    return 2 * call.output.elements * prod(weights[1:]) + bias


def conv_transpose(call: Call) -> int:
    """2 x inputs x outputs of a group x kernel, and one per output for a bias."""
    weights = call.input(1).shape
    bias = call.output.elements if call.has(2) else 0
    return 2 * call.input(0).elements * prod(weights[1:]) + bias


def deform_conv(call: Call) -> int:
    """A convolution, and four points blended (8 flops) for each element it reads."""
    kernel = prod(call.input(1).shape[2:])
    read = call.output.shape[0] * prod(call.output.shape[2:]) * call.input(0).shape[1] * kernel
    return conv(call) - (call.output.elements if call.has(2) else 0) + _deform_bias(call) + 8 * read


def _deform_bias(call: Call) -> int:
    # The third input is the offset, the fourth the bias.
    return call.output.elements if call.has(3) else 0


def _operands(call: Call) -> tuple[Tensor, Tensor]:
    if call.node.op_type == "QLinearMatMul":
        return call.input(0), call.input(3)
    return call.input(0), call.input(1)


def _inner(call: Call) -> int:
    left, _ = _operands(call)
    is_flipped = bool(call.attributes.get("transA", 0)) and len(left.shape) > 1
    return left.shape[-2 if is_flipped else -1] if left.shape else 1


def matmul(call: Call) -> int:
    """2 x outputs x inner size, and one per output for a bias."""
    has_bias = call.node.op_type in {"Gemm", "FusedGemm"} and call.has(2)
    return call.output.elements * (2 * _inner(call) + has_bias)


def matmul_window(call: Call) -> OperatorWindow:
    """Window of a matrix product: its batches count as rows."""
    columns = call.output.shape[-1] if call.output.shape else 1
    return OperatorWindow(
        channels_in=_inner(call),
        channels_out=columns,
        rows=call.output.elements // max(1, columns),
        items=prod(_operands(call)[1].shape[:-2]),
    )


def matmul_nbits(call: Call) -> int:
    """Flops of packed weights: sizes are attributes; each weight is unpacked by two flops."""
    inner, columns = int(call.attributes["K"]), int(call.attributes["N"])
    return 2 * call.input(0).elements * columns + 2 * inner * columns


def einsum(call: Call) -> int:
    """Per index tuple: one multiplication for each operand but the first, and one addition."""
    equation = call.attributes["equation"].decode().replace(" ", "").replace(".", "")
    terms = equation.partition("->")[0].split(",")
    sizes: dict[str, int] = {}
    batch = 1
    for term, tensor in zip(terms, call.inputs, strict=True):
        shape = tensor.shape if tensor is not None else ()
        # The axis that stands for the ellipsis comes first in every known use.
        extra = max(0, len(shape) - len(term))
        batch = max(batch, prod(shape[:extra]))
        sizes |= dict(zip(term, shape[extra:], strict=False))
    return max(1, len(terms)) * batch * prod(sizes.values())


_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1, "DynamicQuantizeLSTM": 4}
_PER_UNIT = {
    # i, o, f; c~ and tanh(c); c = f c + i c~; h = o tanh(c)
    "LSTM": 3 * SIGMOID + 2 * TANH + 3 + 1,
    "DynamicQuantizeLSTM": 3 * SIGMOID + 2 * TANH + 3 + 1,
    # z, r; h~; r h; (1 - z) h~ + z h
    "GRU": 2 * SIGMOID + TANH + 1 + 4,
    "RNN": TANH,
}


def recurrent(call: Call) -> int:
    """Per step and direction: both products of each gate, two biases, and joining the gates."""
    kind = call.node.op_type
    hidden = int(call.attributes["hidden_size"])
    length, batch, width = call.input(0).shape
    if call.attributes.get("layout", 0):
        length, batch = batch, length
    directions = 2 if call.attributes.get("direction", b"") == b"bidirectional" else 1
    biases = 2 if call.has(3) else 0
    gate = 2 * (width + hidden) + biases
    unit = _GATES[kind] * (gate + 1) + _PER_UNIT[kind]
    return length * batch * directions * hidden * unit


def recurrent_window(call: Call) -> OperatorWindow:
    """Window of a recurrent operator: its rows are those of one step."""
    length, batch, width = call.input(0).shape
    if call.attributes.get("layout", 0):
        length, batch = batch, length
    return OperatorWindow(
        channels_in=width,
        channels_out=int(call.attributes["hidden_size"]),
        rows=batch,
        steps=length,
    )


def attention(call: Call) -> int:
    """Flops of q, k, v that are projected already: both products, and a softmax of the scores."""
    query, key, value = call.input(0).shape, call.input(1).shape, call.input(2).shape
    if len(query) == 4:
        batch, heads, rows, width = query
        past = call.input(4).shape[2] if call.has(4) else 0
        columns, out = key[2] + past, value[3]
    else:
        batch, rows, all_width = query
        heads = int(call.attributes.get("q_num_heads", call.attributes.get("num_heads", 1)))
        width = all_width // heads
        kv_heads = int(call.attributes.get("kv_num_heads", heads))
        columns, out = key[1], value[2] // kv_heads
    return batch * heads * rows * columns * (2 * (width + out) + SOFTMAX)


def packed_attention(call: Call) -> int:
    """com.microsoft.Attention: the projection of x by [width, q + k + v], then as above."""
    (batch, rows, width), columns = call.input(0).shape, call.input(1).shape[-1]
    heads = int(call.attributes["num_heads"])
    hidden = columns // 3
    scores = batch * heads * rows * rows
    return batch * rows * columns * (2 * width + 1) + scores * (4 * hidden // heads + SOFTMAX)

"""Changes of a CPU runtime between the plain layout and one blocked by channels.

Convolutions want vectors of channels next to each other (NCHWc); most other operators do not take
that layout. Each change copies a tensor, and a graph that changes often is slow for its flops.
The rules are those of ONNX Runtime's NCHWc transformer; OpenVINO and oneDNN have similar ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cost_models.features.costs import OperatorClass, OperatorWindow
from cost_models.features.fusion import Group
from cost_models.features.tensors import Tensor
from cost_models.features.tracing import Step, Trace

_BLOCK = 16
"""Floats in a vector of AVX-512."""
_ALIGNMENT = 4
_RANK = 4
_ACTIVATIONS = frozenset({"Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "Clip"})
_POOLS = frozenset({"MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"})
_SAME = frozenset({"Add", "Sum", "Mul"})


@dataclass(frozen=True, slots=True)
class Reorders:
    """Tensors that change their layout, and the bytes that this reads and writes."""

    count: int
    bytes: int


def reorders(trace: Trace, groups: Sequence[Group]) -> Reorders:
    """Changes of layout when the groups run in order, each tensor once per direction."""
    blocked: set[str] = set()
    changed: set[tuple[str, bool]] = set()
    for group in groups:
        data = [name for name in group.reads if name not in trace.constants]
        takes_blocked = _takes_blocked(trace, group, blocked)
        for name in data:
            is_moved = takes_blocked is not None and (name in blocked) is not takes_blocked
            if is_moved and not _asks_only_size(trace, group):
                changed.add((name, name in blocked))
        if _gives_blocked(trace, group, blocked):
            blocked.update(group.writes)
    changed |= {(name, True) for name in trace.outputs if name in blocked}
    moved = sum(2 * trace.tensors[name].bytes for name, _ in changed)
    return Reorders(len(changed), moved)


def is_blocked(trace: Trace, group: Group) -> bool:
    """True if a group is a convolution that works on blocks of channels."""
    first = trace.steps[group.members[0]]
    return first.op_class is OperatorClass.CONV and _is_blocked_conv(first)


def _asks_only_size(trace: Trace, group: Group) -> bool:
    return trace.steps[group.members[0]].call.node.op_type in {"Shape", "Size"}


def _takes_blocked(trace: Trace, group: Group, blocked: set[str]) -> bool | None:
    """Layout in which a group wants its inputs, as true for blocked; ``None`` if either will do."""
    first = trace.steps[group.members[0]]
    if first.op_class is OperatorClass.CONV and _is_blocked_conv(first):
        # A picture's few channels are read as they are.
        window = first.counts.window
        return None if window is not None and window.channels_in < _BLOCK else True
    return _gives_blocked(trace, group, blocked)


def _gives_blocked(trace: Trace, group: Group, blocked: set[str]) -> bool:
    first = trace.steps[group.members[0]]
    if first.op_class is OperatorClass.CONV:
        return _is_blocked_conv(first)
    data = [name for name in group.reads if name not in trace.constants]
    is_all_blocked = bool(data) and all(name in blocked for name in data)
    return is_all_blocked and _keeps_layout(first, group.pattern, has_one=len(data) == 1)


def _keeps_layout(step: Step, pattern: str, *, has_one: bool) -> bool:
    kind, tensors = step.call.node.op_type, step.call.inputs
    if kind in _ACTIVATIONS or kind in _POOLS or pattern == "quickgelu":
        return True
    if kind == "BatchNormalization":
        return True
    if kind in _SAME:
        shapes = {tensor.shape for tensor in tensors if tensor is not None}
        return len(shapes) == 1
    if kind == "Concat":
        is_aligned = all(_channels(tensor) % _BLOCK == 0 for tensor in tensors)
        return step.call.attributes.get("axis") == 1 and is_aligned
    return kind in {"Resize", "Upsample"} and has_one and step.counts.flops == 0


def _channels(tensor: Tensor | None) -> int:
    return tensor.shape[1] if tensor is not None and len(tensor.shape) == _RANK else 1


def _is_blocked_conv(step: Step) -> bool:
    window, output = step.counts.window, step.call.output
    is_plain = step.call.node.op_type in {"Conv", "FusedConv"}
    if window is None or not is_plain or len(output.shape) != _RANK or output.dtype != "float32":
        return False
    return _fits(window)


def _fits(window: OperatorWindow) -> bool:
    if window.is_depthwise:
        return window.channels_out % _BLOCK == 0
    if window.groups > 1:
        per_group = window.channels_in // window.groups, window.channels_out // window.groups
        return all(channels % _BLOCK == 0 for channels in per_group)
    return window.channels_in < _BLOCK or window.channels_in % _ALIGNMENT == 0

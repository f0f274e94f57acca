"""Counts the cost of a model for the shapes of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from onnx import ModelProto

from cost_models.features.control import FOLLOWERS
from cost_models.features.costs import GraphCost, GroupCost, OperatorClass, OperatorCost
from cost_models.features.flow import Reuse, paths, peak_bytes, reuse
from cost_models.features.fusion import Group, group
from cost_models.features.layout import is_blocked, reorders
from cost_models.features.origins import Origin, origins
from cost_models.features.rules import qualified
from cost_models.features.stretch import stretch
from cost_models.features.tensors import Tensor
from cost_models.features.tracing import Step, Trace, trace
from devices.models import bind_shapes
from devices.models.info import ModelInfo, describe
from scheduler.model.errors import InvalidModel

_CLASSES = {
    "attention": OperatorClass.ATTENTION,
    "layernorm": OperatorClass.NORMALISATION,
}
"""Classes of patterns that are more than their heaviest operator."""
_MALFORMED = (LookupError, ValueError, TypeError, ArithmeticError, StopIteration, RuntimeError)
"""Signs of a node that lacks an attribute or an input of its operator."""


def graph_cost(model: ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> GraphCost:
    """Count the cost of a model for inputs of these shapes.

    Parameters
    ----------
    shapes
        Shapes of all inputs of open size, as `devices.models.bind_shapes` gives them.

    Raises
    ------
    InvalidModel
        If a size is left open, or a shape is of no input or conflicts with the file; if the graph
        takes too long to follow, or is none that a runtime would load.
    """
    info = describe(model, 0)
    bound = _bound(info, shapes)
    try:
        is_dynamic = any(tensor.is_dynamic for tensor in info.inputs)
        found = trace(model, bound, FOLLOWERS, is_dynamic=is_dynamic)
        return _summed(found, group(found))
    except InvalidModel:
        raise
    except _MALFORMED as error:
        law = "model must be a graph that can be followed"
        raise InvalidModel(f"{law}; got {type(error).__name__}: {error}", field="model") from error


def _bound(info: ModelInfo, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    for tensor in info.inputs:
        if tensor.is_dynamic and tensor.name not in shapes:
            sizes = "?" if tensor.shape is None else ", ".join(map(_written, tensor.shape))
            raise InvalidModel(
                f"shapes must bind every input; {tensor.name!r} is open: [{sizes}]",
                field=f"shapes.{tensor.name}",
            )
    stated = {tensor.name: tensor.shape for tensor in info.inputs}
    # A shape in the file itself needs no judging: it may be empty, which nobody could ask for.
    given = {
        name: tuple(shape)
        for name, shape in shapes.items()
        if name not in stated or stated[name] != tuple(shape)
    }
    return bind_shapes(info, given) | given


def _written(size: int | str | None) -> str:
    return "?" if size is None else str(size)


def _summed(found: Trace, groups: Sequence[Group]) -> GraphCost:
    operators = _operators(found, groups)
    flow, layout = paths(found, groups), reorders(found, groups)
    parts = zip(groups, reuse(found, groups), origins(found, groups), strict=True)
    kernels = [
        replace(_kernel(kernel, operators, held, origin), is_blocked=is_blocked(found, kernel))
        for kernel, held, origin in parts
    ]
    return GraphCost(
        operators=operators,
        groups=tuple(kernels),
        unknown=tuple(sorted(found.unknown)),
        assumed=tuple(found.assumed),
        folded=found.folded,
        input_bytes=sum(found.tensors[name].bytes for name in found.inputs),
        output_bytes=sum(found.tensors[name].bytes for name in found.outputs),
        parameter_bytes=_parameter_bytes(found, groups),
        peak_activation_bytes=peak_bytes(found, groups),
        critical_path_flops=flow.flops,
        critical_path_groups=flow.groups,
        width=flow.width,
        is_dynamic=found.is_dynamic,
        reorders=layout.count,
        reorder_bytes=layout.bytes,
    )


def _operators(found: Trace, groups: Sequence[Group]) -> tuple[OperatorCost, ...]:
    places = {member: index for index, kernel in enumerate(groups) for member in kernel.members}
    return tuple(_operator(found, step, places[index]) for index, step in enumerate(found.steps))


def _operator(found: Trace, step: Step, place: int) -> OperatorCost:
    counts = step.counts
    # A tensor that is given twice is read once.
    once = dict(zip(step.inputs, counts.reads, strict=False))
    return OperatorCost(
        name=step.name,
        op_type=qualified(step.call.node),
        op_class=step.op_class,
        dtype=_dtype(found, step),
        flops=step.runs * counts.flops,
        read_bytes=step.runs * sum(once.values()),
        written_bytes=step.runs * sum(counts.writes),
        parameter_bytes=sum(size for name, size in once.items() if name in found.constants),
        group=place,
        known=step.known,
        runs=step.runs,
        window=counts.window,
        stretch=stretch(step.call),
    )


def _dtype(found: Trace, step: Step) -> str:
    """Type that it computes in: that of its largest activation, or of its result."""
    tensors: list[Tensor] = [
        tensor
        for name, tensor in zip(step.inputs, step.call.inputs, strict=False)
        if tensor is not None and name not in found.constants
    ]
    tensors += [tensor for tensor in step.call.outputs if tensor is not None]
    return tensors[0].dtype if tensors else "float32"


def _kernel(
    kernel: Group, operators: Sequence[OperatorCost], held: Reuse, origin: Origin
) -> GroupCost:
    members = [operators[index] for index in kernel.members]
    heaviest = max(members, key=lambda operator: (operator.flops, operator.written_bytes))
    runs = kernel.runs
    return GroupCost(
        pattern=kernel.pattern,
        operators=kernel.members,
        op_class=_CLASSES.get(kernel.pattern, heaviest.op_class),
        dtype="int8" if kernel.pattern.startswith("qdq") else heaviest.dtype,
        flops=runs * kernel.flops,
        read_bytes=runs * sum(kernel.reads.values()),
        written_bytes=runs * sum(kernel.writes.values()),
        near_bytes=runs * held.near,
        shared_bytes=runs * held.shared,
        memory_bytes=runs * held.memory,
        runs=runs,
        origin=origin.op_class,
        chained=origin.chained,
    )


def _parameter_bytes(found: Trace, groups: Sequence[Group]) -> int:
    sizes: dict[str, int] = {}
    for kernel in groups:
        for name, size in kernel.reads.items():
            if name in found.constants:
                sizes[name] = max(size, sizes.get(name, 0))
    return sum(sizes.values())

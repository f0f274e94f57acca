"""Follows a graph in its order, with the shapes that each node sees, through all subgraphs.

Repeated and nested nodes are written out as one list of steps: of a branch only the one taken, of a
loop its body once, with the number of its runs.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, inliner

from cost_models.features.bounds import Budget, check_calls
from cost_models.features.costs import OperatorClass
from cost_models.features.inferring import Inference
from cost_models.features.rules import Call, Counts, count, is_known, qualified
from cost_models.features.tensors import Tensor, name_of
from cost_models.features.values import Value, constant_of, evaluate, small_value

_RANDOM = ("Bernoulli", "Multinomial", "Random")
_ALIASES = frozenset({"Identity", "Dropout"})
Scope = ChainMap[str, str]
"""Names in a graph, and in those around it, with the tensor that each stands for."""
Follower = Callable[["Tracer", NodeProto, Scope, str, int], None]
"""Follows a node that holds subgraphs: given are its scope, the prefix of names, and its runs."""


@dataclass(frozen=True, slots=True)
class Step:
    """One node that runs: ids of its tensors, unique in the whole model; empty if left out."""

    name: str
    call: Call
    op_class: OperatorClass
    counts: Counts
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    runs: int
    known: bool


@dataclass
class Trace:
    """Steps, tensors and values of a graph that was followed.

    Parameters
    ----------
    constants
        Tensors that depend on nothing but the file.
    values
        Small tensors whose elements are known, from the file or from shapes.
    folded
        Nodes that no run computes.
    is_dynamic
        True if the file leaves sizes open.
    """

    steps: list[Step] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    values: dict[str, Value] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    unknown: set[str] = field(default_factory=set)
    assumed: list[str] = field(default_factory=list)
    folded: int = 0
    is_dynamic: bool = False


def trace(
    model: ModelProto,
    shapes: dict[str, tuple[int, ...]],
    followers: Mapping[str, Follower],
    *,
    is_dynamic: bool,
) -> Trace:
    """Follow a model whose inputs all have shapes.

    Parameters
    ----------
    followers
        By type of node, for those that hold subgraphs.
    """
    if model.functions:
        check_calls(model)
        model = inliner.inline_local_functions(model)
    tracer = Tracer(Inference(model), Trace(is_dynamic=is_dynamic), followers)
    scope: Scope = ChainMap()
    for value in model.graph.input:
        if value.name in shapes:
            dtype = name_of(value.type.tensor_type.elem_type)
            tracer.add(scope, value.name, value.name, Tensor(dtype, tuple(shapes[value.name])))
    found = tracer.found
    found.inputs = tuple(scope.values())
    tracer.follow(model.graph, scope, prefix="", runs=1)
    found.outputs = tuple(scope[v.name] for v in model.graph.output if v.name in scope)
    return found


class Tracer:
    """Walks through nodes and adds to a trace."""

    def __init__(
        self, inference: Inference, found: Trace, followers: Mapping[str, Follower]
    ) -> None:
        self.found = found
        # Judged once for each place, or nested branches would be followed 3^depth times.
        self.taken: dict[str, str] = {}
        self._inference = inference
        self._followers = followers
        self._budget = Budget()

    def add(self, scope: Scope, name: str, identity: str, tensor: Tensor) -> None:
        """Make a tensor known under a name."""
        scope[name] = identity
        self.found.tensors[identity] = tensor

    def follow(self, graph: GraphProto, scope: Scope, *, prefix: str, runs: int) -> None:
        """Follow the nodes of a graph; `scope` gains what they define."""
        for tensor in graph.initializer:
            self._add_constant(scope, prefix, tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            dtype = name_of(sparse.values.data_type)
            identity = prefix + sparse.values.name
            self.add(scope, sparse.values.name, identity, Tensor(dtype, tuple(sparse.dims)))
            self.found.constants.add(identity)
        for node in graph.node:
            self._visit(node, scope, prefix, runs)

    def _add_constant(self, scope: Scope, prefix: str, name: str, tensor: TensorProto) -> None:
        found = self.found
        identity = prefix + name
        self.add(scope, name, identity, Tensor(name_of(tensor.data_type), tuple(tensor.dims)))
        found.constants.add(identity)
        value = small_value(tensor)
        if value is not None:
            found.values[identity] = value

    def _visit(self, node: NodeProto, scope: Scope, prefix: str, runs: int) -> None:
        self._budget.spend()
        is_standard = node.domain in {"", "ai.onnx"}
        if is_standard and node.op_type == "Constant":
            tensor = constant_of(node)
            if tensor is not None:
                self.found.folded += 1
                return self._add_constant(scope, prefix, node.output[0], tensor)
        if is_standard and node.op_type in _ALIASES:
            return self._alias(node, scope, prefix)
        if is_standard and node.op_type in self._followers:
            return self._followers[node.op_type](self, node, scope, prefix, runs)
        return self._step(node, scope, prefix, runs)

    def _alias(self, node: NodeProto, scope: Scope, prefix: str) -> None:
        """Give a tensor a second name: at inference these nodes pass on their input."""
        self.found.folded += 1
        identity = self.resolve(scope, node.input[0])
        scope[node.output[0]] = identity
        for mask in filter(None, node.output[1:]):
            self.add(
                scope, mask, prefix + mask, replace(self.found.tensors[identity], dtype="bool")
            )

    def _step(self, node: NodeProto, scope: Scope, prefix: str, runs: int) -> None:
        found = self.found
        inputs = tuple(self.resolve(scope, name) for name in node.input)
        tensors = tuple(found.tensors.get(name) for name in inputs)
        values = {i: found.values[name] for i, name in enumerate(inputs) if name in found.values}
        outputs = self._inference.outputs(node, tensors, values)
        identities = tuple(prefix + name if name else "" for name in node.output)
        for name, identity, tensor in zip(node.output, identities, outputs, strict=True):
            if name:
                self.add(scope, name, identity, tensor)
        self._evaluate(node, inputs, identities)
        if self._is_folded(node, inputs):
            found.folded += 1
            found.constants.update(filter(None, identities))
            return
        call = Call(node, tensors, _given(outputs, identities), values)
        self.emit(node, call, inputs, identities, prefix=prefix, runs=runs)

    def flops_of(self, graph: GraphProto, scope: Scope, prefix: str) -> int:
        """Arithmetic of a graph if it ran here; leaves no steps."""
        before = self.found
        # Facts about tensors stay true: each place has names of its own.
        found = Trace(
            tensors=before.tensors,
            constants=before.constants,
            values=before.values,
            is_dynamic=before.is_dynamic,
        )
        ahead = copy(self)
        ahead.found = found
        ahead.follow(graph, scope.new_child(), prefix=prefix, runs=1)
        return sum(step.counts.flops * step.runs for step in found.steps)

    def emit(
        self,
        node: NodeProto,
        call: Call,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        *,
        prefix: str,
        runs: int,
        trips_known: bool = True,
    ) -> None:
        """Append a step, and name its operator and outputs where they are not known."""
        found = self.found
        op_class, counts, is_counted = count(call)
        taken = any(tensor is not None and tensor.is_assumed for tensor in call.inputs)
        given = any(tensor is not None and tensor.is_assumed for tensor in call.outputs)
        if given and not taken:
            found.assumed += [name for name in outputs if name]
        # Only the place where the doubt begins is named; all that follows from it is doubtful too.
        if not is_counted or not trips_known or (given and not taken):
            found.unknown.add(qualified(node))
        found.steps.append(
            Step(
                name=prefix + (node.name or next(iter(node.output), node.op_type)),
                call=call,
                op_class=op_class,
                counts=counts,
                inputs=inputs,
                outputs=outputs,
                runs=runs,
                known=is_counted and trips_known and not taken and not given,
            )
        )

    def resolve(self, scope: Scope, name: str) -> str:
        """The id of a tensor; one that nothing defines is a scalar whose size is a guess."""
        if not name:
            return ""
        if name not in scope:
            self.add(scope, name, name, Tensor("float32", (), is_assumed=True))
            self.found.assumed.append(name)
        return scope[name]

    def _evaluate(self, node: NodeProto, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        found = self.found
        tensor = found.tensors.get(inputs[0]) if inputs else None
        if node.op_type in {"Shape", "Size"} and tensor is not None and not tensor.is_assumed:
            results = evaluate(node, [_stand_in(tensor)])
        else:
            given = [found.values.get(name) for name in inputs]
            if any(name and value is None for name, value in zip(inputs, given, strict=True)):
                return
            results = evaluate(node, given)
        for identity, value in zip(outputs, results, strict=False):
            if identity:
                found.values[identity] = value
                # Arithmetic is more certain than inference.
                found.tensors[identity] = Tensor(found.tensors[identity].dtype, value.shape)

    def _is_folded(self, node: NodeProto, inputs: Iterable[str]) -> bool:
        if node.op_type.startswith(_RANDOM) or node.op_type == "DequantizeLinear":
            # Runtimes keep nodes that unpack weights, to compute in the packed type.
            return False
        if node.op_type in {"Shape", "Size"} and not self.found.is_dynamic:
            return True
        return is_known(node) and all(not name or name in self.found.constants for name in inputs)


def _stand_in(tensor: Tensor) -> Value:
    # Has the shape, but no memory behind it.
    return np.broadcast_to(np.zeros((), dtype=np.int8), tensor.shape)


def _given(tensors: Sequence[Tensor], identities: Sequence[str]) -> tuple[Tensor | None, ...]:
    return tuple(tensor if name else None for tensor, name in zip(tensors, identities, strict=True))

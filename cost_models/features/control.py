"""Branches and loops: which body runs, and how often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from onnx import GraphProto, NodeProto, helper

from cost_models.features.rules import Call
from cost_models.features.tensors import Tensor
from cost_models.features.tracing import Follower, Scope, Tracer

_ASSUMED_TRIPS = 1
_BRANCHES = ("then_branch", "else_branch")


def _body(node: NodeProto, name: str) -> GraphProto:
    body: GraphProto = next(a.g for a in node.attribute if a.name == name)
    return body


def _inner(node: NodeProto, prefix: str) -> str:
    # Unlike the names of nodes, those of results are never given twice in a graph.
    return f"{prefix}{node.output[0]}/"


def follow_if(tracer: Tracer, node: NodeProto, scope: Scope, prefix: str, runs: int) -> None:
    """Follow the branch that is taken; if that depends on data, the one with more arithmetic."""
    condition = tracer.resolve(scope, node.input[0])
    if condition in tracer.found.constants:
        tracer.found.folded += 1
    else:
        _emit(tracer, node, (condition,), (), prefix=prefix, runs=runs)
    start = _inner(node, prefix)
    name = _taken(tracer, node, condition, scope, start)
    body, inner = _body(node, name), scope.new_child()
    tracer.follow(body, inner, prefix=f"{start}{name}/", runs=runs)
    for given, result in zip(node.output, body.output, strict=False):
        scope[given] = tracer.resolve(inner, result.name)


def _taken(tracer: Tracer, node: NodeProto, condition: str, scope: Scope, start: str) -> str:
    value = tracer.found.values.get(condition)
    if value is not None and value.size == 1:
        return _BRANCHES[0] if bool(value.reshape(-1)[0]) else _BRANCHES[1]
    if start not in tracer.taken:
        flops = {
            name: tracer.flops_of(_body(node, name), scope, f"{start}{name}/") for name in _BRANCHES
        }
        tracer.taken[start] = max(_BRANCHES, key=lambda name: flops[name])
    return tracer.taken[start]


def follow_loop(tracer: Tracer, node: NodeProto, scope: Scope, prefix: str, runs: int) -> None:
    """Follow the body once, with as many runs as the trip count says; 1 if it is not known."""
    body = _body(node, "body")
    inputs = tuple(tracer.resolve(scope, name) for name in node.input)
    count = tracer.found.values.get(inputs[0]) if inputs else None
    trips = _ASSUMED_TRIPS if count is None else max(0, int(count.reshape(-1)[0]))
    inner, start = scope.new_child(), _inner(node, prefix)
    carried = _carry(tracer, inner, inputs[2:], [v.name for v in body.input[2:]], start)
    tracer.add(inner, body.input[0].name, start + body.input[0].name, Tensor("int64", ()))
    tracer.add(inner, body.input[1].name, start + body.input[1].name, Tensor("bool", ()))
    _emit(tracer, node, inputs, carried, prefix=prefix, runs=runs, trips_known=count is not None)
    if trips:
        tracer.follow(body, inner, prefix=start, runs=runs * trips)
    results = [v.name for v in body.output[1:]] if trips else [v.name for v in body.input[2:]]
    _give_back(tracer, node, (scope, inner), results, (len(carried), trips))


def follow_scan(tracer: Tracer, node: NodeProto, scope: Scope, prefix: str, runs: int) -> None:
    """Follow the body once for each element along the scanned axis."""
    body = _body(node, "body")
    attributes = {a.name: a for a in node.attribute if a.name != "body"}
    scanned = int(attributes["num_scan_inputs"].i)
    axes = list(attributes["scan_input_axes"].ints) if "scan_input_axes" in attributes else []
    inputs = tuple(tracer.resolve(scope, name) for name in node.input)
    states = len(inputs) - scanned
    if len(inputs) != len(body.input):
        return _give_up(tracer, node, scope, inputs, prefix, runs)
    inner, start = scope.new_child(), _inner(node, prefix)
    carried = _carry(tracer, inner, inputs[:states], [v.name for v in body.input], start)
    trips = _ASSUMED_TRIPS
    for position, value in enumerate(body.input[states:]):
        whole = tracer.found.tensors[inputs[states + position]]
        axis = axes[position] if position < len(axes) else 0
        trips = whole.shape[axis] if whole.shape else trips
        shape = tuple(np.delete(np.array(whole.shape, dtype=int), axis).tolist())
        part = Tensor(whole.dtype, shape, whole.is_assumed)
        tracer.add(inner, value.name, start + value.name, part)
        carried += (start + value.name,)
    _emit(tracer, node, inputs, carried, prefix=prefix, runs=runs)
    tracer.follow(body, inner, prefix=start, runs=runs * trips)
    _give_back(tracer, node, (scope, inner), [v.name for v in body.output], (states, trips))


def _give_up(
    tracer: Tracer, node: NodeProto, scope: Scope, inputs: tuple[str, ...], prefix: str, runs: int
) -> None:
    """Name a node of a form that is not followed: a `Scan` of version 8, with batches."""
    data = tracer.found.tensors[next(filter(None, inputs))]
    for name in filter(None, node.output):
        tracer.add(scope, name, prefix + name, replace(data, is_assumed=True))
    outputs = tuple(prefix + name for name in filter(None, node.output))
    _emit(tracer, node, inputs, outputs, prefix=prefix, runs=runs, trips_known=False)


def _carry(
    tracer: Tracer, inner: Scope, given: tuple[str, ...], names: list[str], start: str
) -> tuple[str, ...]:
    """Name values carried from round to round: their type is known, their value changes."""
    for name, outer in zip(names, given, strict=False):
        tracer.add(inner, name, start + name, tracer.found.tensors[outer])
    return tuple(start + name for name in names[: len(given)])


def _give_back(
    tracer: Tracer,
    node: NodeProto,
    scopes: tuple[Scope, Scope],
    results: list[str],
    counts: tuple[int, int],
) -> None:
    """Name the results outside: carried values as they are, the results of each round stacked."""
    (scope, inner), (states, trips) = scopes, counts
    for position, (name, result) in enumerate(zip(node.output, results, strict=False)):
        if not name:
            continue
        identity = tracer.resolve(inner, result)
        if position >= states:
            # The stack is the memory that the rounds wrote: no traffic of its own.
            one = tracer.found.tensors[identity]
            tracer.found.tensors[identity] = Tensor(one.dtype, (trips, *one.shape), one.is_assumed)
        scope[name] = identity


def _emit(
    tracer: Tracer,
    node: NodeProto,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    *,
    prefix: str,
    runs: int,
    trips_known: bool = True,
) -> None:
    """Add the node itself: it launches, but its cost is in its body."""
    plain = helper.make_node(node.op_type, [], list(node.output[:1]), name=node.name)
    call = Call(plain, (), (), {})
    tracer.emit(plain, call, inputs, outputs, prefix=prefix, runs=runs, trips_known=trips_known)


FOLLOWERS: dict[str, Follower] = {"If": follow_if, "Loop": follow_loop, "Scan": follow_scan}

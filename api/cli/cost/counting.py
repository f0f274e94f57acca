"""Counts a model file and prints the counts. Apart from its command: it is slow to import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from api.cli import output
from api.cli.models import parse_shape
from cost_models.features import GraphCost, OperatorClass, graph_cost, vector
from devices.models import assumed_sizes, bind_shapes
from devices.models.info import ModelInfo, describe, parse
from scheduler.model.errors import InvalidInput

_MILLION = 1e6
_MIB = 1024**2
_COLUMNS = ("class", "operators", "kernels", "Mflop", "%", "MiB moved", "operator types")
_NUMBERS = _COLUMNS[1:-1]


def show(model: Path, shape: list[str], *, as_json: bool) -> None:
    """Print the cost of a model file for shapes such as ``x=1,3,48,320``."""
    cost = read_cost(model, shape)
    if as_json:
        return output.print_json(_as_dict(cost))
    output.print_table(_COLUMNS, _rows(cost), right=_NUMBERS, empty="nothing to compute")
    output.tell("")
    output.print_table(("total", ""), _totals(cost), right=("",), empty="")
    if fused := _fused(cost):
        output.tell("")
        output.print_table(("fused to one kernel", "times"), fused, right=("times",), empty="")
    for doubt in _doubts(cost):
        output.note(doubt)


def read_cost(model: Path, shape: list[str]) -> GraphCost:
    """Count a model file for shapes such as ``x=1,3,48,320``.

    Raises
    ------
    InvalidInput
        If it is no model, or a size is still open.
    """
    proto = parse(model)
    info = describe(proto, model.stat().st_size)
    given = {name: tuple(sizes) for name, sizes in map(parse_shape, shape)}
    bound = bind_shapes(info, given)
    if any(not each.is_batch for each in assumed_sizes(info, given)):
        missing = " ".join(_suggested(info, given, bound))
        raise InvalidInput(f"{model.name} leaves sizes open: add for example {missing}")
    return graph_cost(proto, bound)


def _suggested(
    info: ModelInfo, given: dict[str, tuple[int, ...]], bound: dict[str, tuple[int, ...]]
) -> Iterator[str]:
    for tensor in info.inputs:
        if tensor.is_dynamic and tensor.name not in given:
            yield f"--shape {tensor.name}={','.join(map(str, bound[tensor.name]))}"


def _rows(cost: GraphCost) -> Iterator[tuple[Any, ...]]:
    for op_class in OperatorClass:
        kernels = [group for group in cost.groups if group.op_class is op_class]
        if not kernels:
            continue
        flops = sum(kernel.flops for kernel in kernels)
        moved = sum(kernel.read_bytes + kernel.written_bytes for kernel in kernels)
        members = [cost.operators[i] for kernel in kernels for i in kernel.operators]
        types = Counter(member.op_type for member in members)
        yield (
            op_class.value,
            sum(member.runs for member in members),
            sum(kernel.runs for kernel in kernels),
            _millions(flops),
            f"{flops / max(1, cost.flops):.1%}".rstrip("%"),
            _mebibytes(moved),
            ", ".join(f"{name} x{count}" for name, count in types.most_common()),
        )


def _totals(cost: GraphCost) -> list[tuple[str, str]]:
    return [
        ("arithmetic", f"{_millions(cost.flops)} Mflop"),
        ("read", f"{_mebibytes(cost.read_bytes)} MiB"),
        ("written", f"{_mebibytes(cost.written_bytes)} MiB"),
        ("parameters", f"{_mebibytes(cost.parameter_bytes)} MiB"),
        ("peak of activations", f"{_mebibytes(cost.peak_activation_bytes)} MiB"),
        ("intensity", f"{cost.intensity:,.1f} flop/byte"),
        ("bound by", cost.kind.value),
        ("critical path", f"{cost.critical_path_groups} of {len(cost.groups)} kernels"),
        ("side by side", f"{cost.width} kernels"),
        ("changes of layout", f"{cost.reorders}"),
        ("computed at load", f"{cost.folded} nodes"),
    ]


def _fused(cost: GraphCost) -> list[tuple[str, int]]:
    patterns = Counter(group.pattern for group in cost.groups if group.pattern)
    return patterns.most_common()


def _doubts(cost: GraphCost) -> Iterator[str]:
    if cost.unknown:
        yield f"not known, so their cost is a guess: {', '.join(cost.unknown)}"
    if cost.assumed:
        yield f"sizes that could not be inferred: {', '.join(cost.assumed)}"


def _as_dict(cost: GraphCost) -> dict[str, Any]:
    operators = [
        asdict(operator) | {"intensity": operator.intensity} for operator in cost.operators
    ]
    return {
        "features": vector(cost),
        "kind": cost.kind.value,
        "unknown": list(cost.unknown),
        "assumed": list(cost.assumed),
        "operators": operators,
        "groups": [asdict(group) for group in cost.groups],
    }


def _millions(count: int) -> str:
    return f"{count / _MILLION:,.2f}"


def _mebibytes(size: int) -> str:
    return f"{size / _MIB:,.2f}"

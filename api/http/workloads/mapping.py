"""From a posted workload to that of the brain: names, graph and types are checked on the way.

Dimensions are compared loosely: two known sizes must be equal, an unknown one fits any.
Names of dimensions say nothing across stages: exporters use one name for many sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.http.errors import choices
from api.http.schemas import StageSpec, TensorSpec, WorkloadSpec
from api.http.workloads import graph
from api.http.workloads.pieces import in_pieces
from api.http.workloads.sizes import estimated_bytes
from api.http.workloads.targets import Target, Targets, target_of
from api.store.catalogue import TensorInfo
from devices.functions.types import compatible, stated_type
from fjord import TensorType
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.errors import InvalidWorkload

DEFAULT_ITEMS = 4
"""Items of a list that are planned for, where nobody said: a page has a few lines of text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _CheckedStage:
    """A stage that has been checked.

    Parameters
    ----------
    fan_out
        The list that it runs over; empty for a single operation.
    outputs
        Types of the outputs of one operation.
    """

    index: int
    spec: StageSpec
    target: Target
    fan_out: str
    inputs: tuple[StageInput, ...]
    outputs: dict[str, TensorType]


@dataclass(frozen=True, slots=True)
class _Source:
    """The meaning of a reference at a place: its origin, the part of it, and its type there."""

    stage: str
    output: str
    take: Take
    type: TensorType


def to_workload(spec: WorkloadSpec, version: int, targets: Targets) -> Workload:
    """Check a workload and resolve it.

    Raises
    ------
    InvalidWorkload
        With the field, the law and what came.
    """
    nodes = _Builder(spec, targets).build()
    outputs = {name: graph.split(reference) for name, reference in spec.outputs.items()}
    read = graph.read_outputs(spec)
    items = _items_by_list(nodes)
    stages = [_stage(node, read[node.spec.name], items) for node in nodes]
    whole = Workload(name=spec.name, version=version, stages=tuple(stages), outputs=outputs)
    return in_pieces(whole, spec, targets)


def tensor_type(spec: TensorSpec, where: str) -> TensorType:
    """The type of a declared input."""
    shape = None if spec.shape is None else tuple(spec.shape)
    try:
        return stated_type(spec.dtype, shape, is_list=spec.is_list)
    except InvalidWorkload as error:
        raise InvalidWorkload(f"{where}.{error.message}", field=f"{where}.{error.field}") from None


def input_infos(spec: WorkloadSpec) -> tuple[TensorInfo, ...]:
    """Inputs of a workload as they are kept."""
    return tuple(
        TensorInfo(
            name=name,
            dtype=given.dtype,
            shape=None if given.shape is None else tuple(given.shape),
            is_list=given.is_list,
        )
        for name, given in spec.inputs.items()
    )


class _Builder:
    """Checks the stages of one workload in topological order."""

    def __init__(self, spec: WorkloadSpec, targets: Targets) -> None:
        self._spec = spec
        self._shelf = targets
        self._inputs = {
            name: tensor_type(given, f"inputs.{name}") for name, given in spec.inputs.items()
        }
        self._nodes: dict[str, _CheckedStage] = {}

    def build(self) -> list[_CheckedStage]:
        """All stages, each after those that it needs."""
        graph.check_unique(self._spec)
        graph.check_references(self._spec)
        for index in graph.topological_order(self._spec):
            stage = self._spec.stages[index]
            self._nodes[stage.name] = self._node(index, stage)
        for name, reference in self._spec.outputs.items():
            self._check_output(name, reference)
        graph.check_inputs_used(self._spec)
        return list(self._nodes.values())

    def _node(self, index: int, stage: StageSpec) -> _CheckedStage:
        where = f"stages[{index}]"
        target = target_of(stage, where, self._shelf)
        fan_out = self._fan_out(stage, where)
        graph.check_bound(stage, target.inputs, where)
        found = {
            name: self._find(reference, f"{where}.inputs.{name}", fan_out)
            for name, reference in stage.inputs.items()
        }
        for name, reference in stage.inputs.items():
            _check_edge(f"{where}.inputs.{name}", target.inputs[name], found[name].type, reference)
        return _CheckedStage(
            index=index,
            spec=stage,
            target=target,
            fan_out=fan_out,
            inputs=tuple(
                StageInput(name=name, stage=item.stage, output=item.output, take=item.take)
                for name, item in found.items()
            ),
            outputs=dict(target.outputs),
        )

    def _fan_out(self, stage: StageSpec, where: str) -> str:
        """The list that a stage runs over; an output of a fanned-out stage stands for its list."""
        if stage.for_each is None:
            return ""
        place = f"{where}.for_each"
        producer = self._producer(stage.for_each)
        found = self._find(stage.for_each, place, "")
        if producer is not None and producer.fan_out:
            return producer.fan_out
        if not found.type.is_list:
            law = f"{place} must name a list"
            raise InvalidWorkload(f"{law}; got {found.type} from {stage.for_each!r}", field=place)
        return stage.for_each

    def _producer(self, reference: str) -> _CheckedStage | None:
        return self._nodes.get(graph.split(reference)[0])

    def _find(self, reference: str, place: str, fan_out: str) -> _Source:
        """The meaning of a reference inside a stage that runs over `fan_out`."""
        stage, output = graph.split(reference)
        kind = self._output_type(stage, output, place) if stage else self._inputs[output]
        if reference == fan_out:
            return _Source(stage, output, Take.ELEMENT, kind.item)
        producer = self._producer(reference)
        if producer is None or not producer.fan_out:
            return _Source(stage, output, Take.WHOLE, kind)
        if producer.fan_out == fan_out:
            return _Source(stage, output, Take.SAME_ITEM, kind)
        if kind.is_list:
            law = f"{place} must not gather lists: nested fan-out is not supported"
            raise InvalidWorkload(f"{law}; got {reference!r}, a list per item", field=place)
        return _Source(stage, output, Take.GATHER, kind.list_of)

    def _output_type(self, stage: str, output: str, place: str) -> TensorType:
        outputs = self._nodes[stage].outputs
        if output not in outputs:
            law = f"{place} must name an output of stage {stage!r}"
            raise InvalidWorkload(f"{law}; got {output!r} ({choices(outputs)})", field=place)
        return outputs[output]

    def _check_output(self, name: str, reference: str) -> None:
        place = f"outputs.{name}"
        if not graph.split(reference)[0]:
            law = f"{place} must name stage.output"
            raise InvalidWorkload(f"{law}; got the input {reference!r}", field=place)
        self._find(reference, place, "")


def _check_edge(place: str, wanted: TensorType, given: TensorType, reference: str) -> None:
    if compatible(given, wanted) is not None:
        raise InvalidWorkload(
            f"{place} must be {wanted}; got {given} from {reference!r}", field=place
        )


def _items_by_list(nodes: Sequence[_CheckedStage]) -> dict[str, int]:
    """Items to plan for, per list: the most that any stage over it says."""
    said: dict[str, int] = {}
    for node in nodes:
        if node.spec.expected_items is not None:
            said[node.fan_out] = max(said.get(node.fan_out, 1), node.spec.expected_items)
    return said


def _stage(node: _CheckedStage, read: set[str], items: Mapping[str, int]) -> Stage:
    target = node.target
    # Nobody reads anything: the stage is kept for its own sake, so all of it is.
    outputs = tuple(name for name in node.outputs if name in read or not read)
    return Stage(
        name=node.spec.name,
        kind=target.kind,
        target=target.name,
        digest=target.digest,
        params=target.params,
        inputs=node.inputs,
        outputs=outputs,
        fan_out=node.fan_out,
        expected_items=items.get(node.fan_out, DEFAULT_ITEMS) if node.fan_out else 1,
        output_bytes={name: estimated_bytes(node.outputs[name]) for name in outputs},
        declared_us=target.declared_us,
    )

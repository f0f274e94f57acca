"""Makers and readers of each tensor, as far as fusing needs them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from cost_models.features.tensors import Tensor
from cost_models.features.tracing import Step, Trace


class StepGraph:
    """The steps of a trace as a graph.

    Steps are named by their position; one that is already in a group is not offered again.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.taken: set[int] = set()
        self._maker: dict[str, int] = {}
        self._readers: defaultdict[str, list[int]] = defaultdict(list)
        for index, step in enumerate(trace.steps):
            for name in step.outputs:
                self._maker[name] = index
            for name in set(step.inputs):
                self._readers[name].append(index)
        self._kept = set(trace.outputs)

    def step(self, index: int) -> Step:
        """The step at a position."""
        return self.trace.steps[index]

    def kind(self, index: int) -> str:
        """Operator type of a standard operator; empty for any other."""
        node = self.step(index).call.node
        return node.op_type if node.domain in {"", "ai.onnx"} else ""

    def tensor(self, name: str) -> Tensor | None:
        """Type and shape of a tensor, as far as they are known."""
        return self.trace.tensors.get(name)

    def is_constant(self, name: str) -> bool:
        """True if a tensor depends on nothing but the file."""
        return name in self.trace.constants

    def number(self, name: str) -> float | None:
        """The value of a constant that has one element."""
        value = self.trace.values.get(name)
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None

    def maker(self, name: str) -> int | None:
        """The free step that makes a tensor."""
        index = self._maker.get(name)
        return None if index is None or index in self.taken else index

    def readers(self, index: int) -> list[int]:
        """All steps that read the first output of a step."""
        return self._readers[self.step(index).outputs[0]] if self.step(index).outputs else []

    def is_needed_outside(self, name: str, members: set[int]) -> bool:
        """True if a tensor is read by other steps, or is an output of the graph."""
        return name in self._kept or any(i not in members for i in self._readers[name])

    def next(self, index: int, *kinds: str) -> int | None:
        """The one reader of a step's result, if it is free, of these kinds and runs as often."""
        step, readers = self.step(index), self.readers(index)
        if len(readers) != 1 or step.outputs[0] in self._kept or readers[0] in self.taken:
            return None
        following = readers[0]
        is_alike = self.step(following).runs == step.runs
        return following if is_alike and (not kinds or self.kind(following) in kinds) else None

    def others(self, index: int, name: str) -> Iterator[str]:
        """The inputs of a step but one."""
        return (given for given in self.step(index).inputs if given and given != name)

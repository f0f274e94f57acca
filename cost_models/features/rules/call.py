"""One use of an operator, as the rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from onnx import NodeProto, helper

from cost_models.features.tensors import Tensor
from cost_models.features.values import Value

_SCALAR = Tensor("float32", ())


@dataclass(frozen=True)
class Call:
    """A node with the tensors that it takes and gives; ``None`` where an optional one is left out.

    Parameters
    ----------
    values
        Elements of the inputs that are small constants, by position.
    """

    node: NodeProto
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor | None, ...]
    values: Mapping[int, Value]

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Attributes by name, subgraphs left out."""
        return {
            a.name: helper.get_attribute_value(a)
            for a in self.node.attribute
            if not (a.HasField("g") or a.graphs)
        }

    def input(self, position: int) -> Tensor:
        """An input; a scalar in place of one that is left out."""
        found = self.inputs[position] if position < len(self.inputs) else None
        return found or _SCALAR

    def has(self, position: int) -> bool:
        """True if an optional input is given."""
        return position < len(self.inputs) and self.inputs[position] is not None

    @property
    def output(self) -> Tensor:
        """The first output that is given."""
        return next((tensor for tensor in self.outputs if tensor is not None), _SCALAR)

    @property
    def largest(self) -> int:
        """Elements of the largest input or output."""
        tensors = (*self.inputs, *self.outputs)
        return max((tensor.elements for tensor in tensors if tensor is not None), default=0)

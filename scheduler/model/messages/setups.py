"""The setup that a model is measured with: shapes of its inputs, and values for some of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from scheduler.model.messages.values import Value

_DIGITS = 12
"""Digits of a key: a model has a handful of setups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Shapes of all inputs of a model, and example values of those that are settings.

    A verdict holds for the file and the setup that it was found with: a model may be right on a
    provider at one size and wrong at another.

    Parameters
    ----------
    shapes
        By input, all sizes bound.
    examples
        By input; each is one tensor, held inline. An input without one gets made-up values.
    """

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    examples: dict[str, Value] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Checksum of all of it: two setups are the same if their keys are."""
        return sha256("\n".join(self._lines()).encode()).hexdigest()[:_DIGITS]

    def at(self, shapes: dict[str, tuple[int, ...]]) -> Setup:
        """The same at other shapes: an example of another shape than wanted is left out."""
        kept = {
            name: value
            for name, value in self.examples.items()
            if shapes.get(name, value.tensors[0].shape) == value.tensors[0].shape
        }
        return Setup(shapes=shapes, examples=kept)

    def _lines(self) -> Iterator[str]:
        for name, shape in sorted(self.shapes.items()):
            yield f"{name}={list(shape)}"
        for name, value in sorted(self.examples.items()):
            (tensor,) = value.tensors
            content = sha256(tensor.inline or b"").hexdigest()
            yield f"{name}:{tensor.dtype}{list(tensor.shape)}{content}"

"""Rules by which operators are counted: class, arithmetic, traffic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cost_models.features.costs import OperatorClass, OperatorWindow
from cost_models.features.rules.call import Call

Count = Callable[[Call], int]


def nothing(_: Call) -> int:
    """No arithmetic."""
    return 0


def per_output(flops: int) -> Count:
    """Count of so many flops for each element of the output."""
    return lambda call: flops * call.output.elements


def per_input(flops: int) -> Count:
    """Count of so many flops for each element of the first input."""
    return lambda call: flops * call.input(0).elements


@dataclass(frozen=True, slots=True)
class Counts:
    """One run of a node: arithmetic, bytes of each input and output by position."""

    flops: int
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    window: OperatorWindow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Rule that counts one operator.

    Parameters
    ----------
    flops
        Its arithmetic in one run.
    is_free
        True if it moves no data: the output is the input under another shape, or tells its size.
    reads_what_it_gives
        True if it reads only those elements of its first input that reach the output.
    window
        Sizes that decide its kernel, if it is a convolution or matrix product.
    """

    op_class: OperatorClass
    flops: Count = nothing
    is_free: bool = False
    reads_what_it_gives: bool = False
    window: Callable[[Call], OperatorWindow] | None = None

    def count(self, call: Call) -> Counts | None:
        """All counts of one run; ``None`` if the tensors are not such as the operator takes."""
        try:
            window = self.window(call) if self.window is not None else None
            return Counts(self.flops(call), *self._traffic(call), window)
        except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError):
            return None

    def _traffic(self, call: Call) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if self.is_free:
            return (0,) * len(call.inputs), (0,) * len(call.outputs)
        reads, writes = (
            tuple(0 if tensor is None else tensor.bytes for tensor in tensors)
            for tensors in (call.inputs, call.outputs)
        )
        if self.reads_what_it_gives and reads:
            reads = (min(reads[0], sum(writes)), *reads[1:])
        return reads, writes

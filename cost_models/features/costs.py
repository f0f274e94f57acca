"""Costs of a graph, apart from any machine: counts of arithmetic, traffic and launches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from scheduler.model.measuring import Kind

NEAR_BYTES = 1 << 20
"""Reuse distance up to which traffic stays in a core's own cache: 1 to 2 MiB on servers."""
SHARED_BYTES = 32 << 20
"""Reuse distance up to which traffic stays in the cache that cores share: 16 to 64 MiB."""
NEAR_WEIGHT = 1 / 8
SHARED_WEIGHT = 1 / 3
"""Time of a byte from those caches over that of a byte from memory, for one core. Rounded from the
rates of STREAM-like loops on x86 servers: about 100, 35 and 12 GB/s."""
BALANCE = 8.0
"""Flops per byte above which a core waits for arithmetic: 100 GFLOP/s over 12 GB/s."""
DOMINANT = 0.75
"""Share of the time above which one kind of work names the whole."""


class OperatorClass(StrEnum):
    """Kind of an operator, as far as its cost goes. A closed set."""

    CONV = "conv"
    MATMUL = "matmul"
    RECURRENT = "recurrent"
    ATTENTION = "attention"
    NORMALISATION = "normalisation"
    POOLING = "pooling"
    REDUCTION = "reduction"
    ELEMENTWISE = "elementwise"
    MOVEMENT = "movement"  # copies without arithmetic
    RESIZE = "resize"
    QUANTISE = "quantise"
    SELECTION = "selection"  # sorts, searches, suppresses
    CONTROL = "control"
    FREE = "free"  # changes only how a tensor is looked at
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorWindow:
    """Sizes by which a runtime chooses the kernel of a convolution or matrix product.

    Parameters
    ----------
    kernel, strides
        Sizes over the spatial axes; empty for a matrix product.
    channels_in, channels_out
        Of the whole operator; inner and last size of a matrix product.
    rows
        Rows of a matrix product (its batches included); positions of a convolution's output.
    groups
        Of a convolution; 1 otherwise.
    steps
        Of a recurrent operator: its steps one after the other.
    items
        Parts of the rows that are computed apart: a batch of a convolution, or of a product of
        two activations.
    """

    kernel: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    channels_in: int = 0
    channels_out: int = 0
    rows: int = 0
    groups: int = 1
    steps: int = 1
    is_transposed: bool = False
    items: int = 1

    @property
    def is_depthwise(self) -> bool:
        """True if each channel is filtered alone."""
        return 1 < self.groups == self.channels_in

    def is_aligned(self, multiple: int = 16) -> bool:
        """True if both numbers of channels fill whole vectors (16 floats of AVX-512)."""
        return self.channels_in % multiple == 0 and self.channels_out % multiple == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCost:
    """Cost of one node, as if it ran alone. Sums over all its runs in one inference.

    Parameters
    ----------
    op_type
        With its domain in front unless it is a standard one.
    dtype
        Type that it computes in, a NumPy name.
    flops
        Multiplications and additions counted apart.
    read_bytes, written_bytes
        Each tensor once, parameters included.
    parameter_bytes
        The part of `read_bytes` that is constant.
    group
        Index into `GraphCost.groups`.
    known
        False if the counts are guesses: an operator without a rule, or a tensor without a shape.
    runs
        Times that it runs: more than 1 inside a loop.
    stretch
        Elements next to each other that it treats alike, see `stretch`.
    """

    name: str
    op_type: str
    op_class: OperatorClass
    dtype: str
    flops: int
    read_bytes: int
    written_bytes: int
    parameter_bytes: int
    group: int
    known: bool = True
    runs: int = 1
    window: OperatorWindow | None = None
    stretch: int = 1

    @property
    def intensity(self) -> float:
        """Flops per byte."""
        return self.flops / max(1, self.read_bytes + self.written_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCost:
    """Cost of the nodes that a runtime runs as one kernel; data between them is no traffic.

    Parameters
    ----------
    pattern
        Operators that were fused, such as ``conv-batchnorm-relu``; empty for a node on its own.
    op_class, dtype
        Those of its heaviest operator.
    flops
        Without operators that disappear into weights, such as a batch normalisation after a
        convolution.
    near_bytes, shared_bytes, memory_bytes
        The traffic by reuse distance: held by a core's cache, by the shared one, or by neither.
    origin, chained
        Maker of its largest operand, and elementwise groups between that and this one, see
        `origins`.
    is_blocked
        True for a convolution that a CPU computes on channels in blocks.
    """

    pattern: str
    operators: tuple[int, ...]
    op_class: OperatorClass
    dtype: str
    flops: int
    read_bytes: int
    written_bytes: int
    near_bytes: int
    shared_bytes: int
    memory_bytes: int
    runs: int = 1
    origin: str = ""
    chained: int = 0
    is_blocked: bool = False

    @property
    def weighted_bytes(self) -> float:
        """Bytes from memory that would take as long as this traffic."""
        return self.near_bytes * NEAR_WEIGHT + self.shared_bytes * SHARED_WEIGHT + self.memory_bytes


@dataclass(frozen=True, kw_only=True)
class GraphCost:
    """Cost of a graph for inputs of given shapes.

    Parameters
    ----------
    operators
        In the order of the file; without those that depend on constants only.
    unknown
        Operator types whose cost is a guess, sorted. A prediction from them is `assumed`.
    assumed
        Tensors whose shape could not be inferred; their size is a guess.
    folded
        Nodes that a runtime computes once when it loads the model.
    parameter_bytes
        Of all constants that some operator reads, each once.
    peak_activation_bytes
        Most bytes alive at once in the order of the file, constants left out.
    critical_path_flops, critical_path_groups
        The heaviest and the longest chain of groups that depend on each other.
    width
        Most groups at the same depth: so many could run side by side.
    is_dynamic
        True if the file leaves sizes open, which keeps a runtime from folding shape arithmetic.
    reorders, reorder_bytes
        Tensors that a CPU runtime copies between the plain layout and one blocked by channels,
        and the traffic of that. Not part of the other counts.
    """

    operators: tuple[OperatorCost, ...]
    groups: tuple[GroupCost, ...]
    unknown: tuple[str, ...]
    assumed: tuple[str, ...]
    folded: int
    input_bytes: int
    output_bytes: int
    parameter_bytes: int
    peak_activation_bytes: int
    critical_path_flops: int
    critical_path_groups: int
    width: int
    is_dynamic: bool
    reorders: int = 0
    reorder_bytes: int = 0

    @cached_property
    def flops(self) -> int:
        """All arithmetic that is left after fusion."""
        return sum(group.flops for group in self.groups)

    @cached_property
    def read_bytes(self) -> int:
        """All reads that are left after fusion."""
        return sum(group.read_bytes for group in self.groups)

    @cached_property
    def written_bytes(self) -> int:
        """All writes that are left after fusion."""
        return sum(group.written_bytes for group in self.groups)

    @property
    def intensity(self) -> float:
        """Flops per byte."""
        return self.flops / max(1, self.read_bytes + self.written_bytes)

    @cached_property
    def kind(self) -> Kind:
        """Kind of work that takes most of its time, judged at the balance of an ordinary core."""
        compute = memory = 0.0
        for group in self.groups:
            arithmetic, traffic = group.flops / BALANCE, group.weighted_bytes
            compute += arithmetic if arithmetic >= traffic else 0.0
            memory += traffic if arithmetic < traffic else 0.0
        if compute + memory == 0.0:
            return Kind.UNKNOWN
        share = compute / (compute + memory)
        if share >= DOMINANT:
            return Kind.COMPUTE
        return Kind.MEMORY if share <= 1 - DOMINANT else Kind.MIXED

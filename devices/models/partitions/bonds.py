"""Bonds: pairs of nodes that no cut parts, by the types and the meaning of the tensors between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onnx import TensorProto

from devices.models.partitions.links import Links

CARRIED = frozenset(
    {
        *(TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.BOOL),
        *(TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16),
        TensorProto.INT32,
    }
)
"""Types of tensors that a search cuts at.

Not INT64, of which providers keep the lower half, nor float16, which overflows where a runtime
would have kept more bits inside a model: these are cut only by name, and then judged by value.
bfloat16, int4 and float8 have no type in NumPy that a session takes.
"""
Pair = tuple[int, int]


def bonds(links: Links) -> Iterator[Pair]:
    """Pairs of nodes that stay together: the tensor between them is no place to cut.

    A quantised model is cut at its integers: at the floats between a DequantizeLinear and its
    reader, or a QuantizeLinear and its maker, other kernels are chosen and the result is another.
    """
    for tensor, maker in links.makers.items():
        for reader in links.readers.get(tensor, ()):
            if not _is_carried(links, tensor) or _is_quantised(links, maker, reader):
                yield maker, reader


def joined(nodes: Iterable[int], pairs: Iterable[Pair]) -> dict[int, int]:
    """Per node the group that it is in, by the least position of a member.

    Examples
    --------
    >>> joined([0, 1, 2, 3], [(1, 2), (2, 3)])
    {0: 0, 1: 1, 2: 1, 3: 1}
    """
    root = {node: node for node in nodes}

    def top(node: int) -> int:
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for one, other in pairs:
        low, high = sorted((top(one), top(other)))
        root[high] = low
    return {node: top(node) for node in root}


def _is_carried(links: Links, tensor: str) -> bool:
    found = links.types.get(tensor)
    return found is not None and found.type.tensor_type.elem_type in CARRIED


def _is_quantised(links: Links, maker: int, reader: int) -> bool:
    opens = links.node(maker).op_type == "DequantizeLinear"
    return opens or links.node(reader).op_type == "QuantizeLinear"

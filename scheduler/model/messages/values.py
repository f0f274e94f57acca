"""Values between operations: tensors by value or by address, and the sources of inputs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorRef:
    """A tensor, by value when it is small and by address otherwise.

    Parameters
    ----------
    dtype
        NumPy name (``float32``, ``uint8``, ``bool``) or ``string`` (UTF-8).
    inline
        The raw little-endian, row-major bytes (for ``string``: a JSON list); ``None`` if stored.
    box
        Box whose shared memory holds it; a reader on that box opens `key`, others fetch `url`.
    key
        Path below the box's tensor folder: ``<run>/<operation>.<attempt>.<output>.<index>``.
    url
        Base address of an HTTP server that serves ``/tensors/<key>``.
    """

    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    inline: bytes | None = None
    box: str = ""
    key: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Value on an edge: one tensor, or a list of them whose length is known at run time."""

    tensors: tuple[TensorRef, ...]
    is_list: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes of all its tensors."""
        return sum(tensor.size_bytes for tensor in self.tensors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Source of one input: a value at hand, or an output still to be made.

    Parameters
    ----------
    value
        The value, if its producer is done or it is an input of the run; `operation` is then empty.
    operation, output
        The producer, and the name of its output.
    item
        Index of the element to take from a list; ``None`` takes the whole value.
    """

    value: Value | None = None
    operation: str = ""
    output: str = ""
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One named input of an operation.

    Parameters
    ----------
    gather
        True if the input is a list, one value per source, in order; otherwise there is one source.
    """

    name: str
    sources: tuple[Source, ...]
    gather: bool = False

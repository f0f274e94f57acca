"""Counts of a model's graph, as they are kept beside the model's file."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import msgspec

from cost_models.features import VERSION, Summary, scaled
from cost_models.prior import Shapes

COST_SUFFIX = ".cost.json"
PART_SUFFIX = ".part"
"""Of any file of the folder while it is incomplete: `sweep` of model files knows it by that."""
FORMAT = b"fjord-graph"
"""First word of a file; the SHA-256 of all that follows the first line comes after it."""


class KeptCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Costs of a graph at one set of shapes, and at others by scaling.

    Parameters
    ----------
    version
        Of the rules by which it was counted.
    shapes
        Of every input, all sizes bound: those that the model is measured with.
    open_inputs
        Inputs whose sizes the file leaves open: runs may have others.
    summary
        The counts; ``None`` if the graph cannot be followed, for the reason in `refusal`.
    """

    version: int
    shapes: dict[str, tuple[int, ...]]
    open_inputs: tuple[str, ...]
    summary: Summary | None = None
    refusal: str = ""

    def at(self, shapes: Shapes) -> Summary | None:
        """Give the counts for inputs of these shapes, scaled by elements where sizes differ.

        ``None`` if the graph was not counted, or cannot have these shapes. Inputs that are not
        named have the shapes that were counted.
        """
        other = {name: shape for name, shape in shapes if self.shapes.get(name) != shape}
        if self.summary is None or not other:
            return self.summary
        if not all(name in self.open_inputs for name in other):
            return None
        before = _elements({name: self.shapes[name] for name in other})
        after = _elements(other)
        return scaled(self.summary, after / before) if before and after else None


@dataclass(frozen=True, slots=True)
class Counted:
    """A file of counts: its contents, and its checksum, by which the log names it."""

    kept: KeptCounts
    checksum: str
    content: bytes


def counted(content: bytes) -> Counted:
    """Read the part of a file behind its first line.

    Raises
    ------
    ValueError
        If it holds no counts, or those of another version.
    """
    kept = _decoder.decode(content)
    if kept.version != VERSION:
        raise ValueError(f"counts must be of version {VERSION}; got {kept.version}")
    return Counted(kept, hashlib.sha256(content).hexdigest(), content)


def cost_path(models_dir: Path, digest: str) -> Path:
    """File of the counts of a model."""
    return models_dir / f"{digest}{COST_SUFFIX}"


def read(models_dir: Path, digest: str) -> Counted | None:
    """Read the counts of a model; ``None`` if there are none, or if they are not to be used.

    Those are damaged ones, and those that another release counted.
    """
    try:
        head, _, content = cost_path(models_dir, digest).read_bytes().partition(b"\n")
        found = counted(content)
    except (OSError, ValueError):
        return None
    return found if head == _head(found) else None


def write(models_dir: Path, digest: str, found: Counted) -> None:
    """Keep the counts of a model: whole, or not at all."""
    descriptor, name = tempfile.mkstemp(suffix=PART_SUFFIX, dir=models_dir)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(_head(found) + b"\n" + found.content)
            out.flush()
            os.fsync(out.fileno())
        Path(name).rename(cost_path(models_dir, digest))
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def drop(models_dir: Path, digest: str) -> None:
    """Delete the counts of a model."""
    cost_path(models_dir, digest).unlink(missing_ok=True)


def _elements(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return sum(prod(shape) for shape in shapes.values())


def _head(found: Counted) -> bytes:
    return FORMAT + b" " + found.checksum.encode()


_decoder = msgspec.json.Decoder(KeptCounts)

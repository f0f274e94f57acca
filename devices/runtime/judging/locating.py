"""Finds the operator at which a provider goes wrong: the first whose result differs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx

from devices.catalogue import Provider, provider
from devices.models.info import parse
from devices.models.tracing import described, maker_of, with_outputs
from devices.runtime.errors import ProviderRefused, RunFailed
from devices.runtime.judging.deviation import deviation
from devices.runtime.session import open_session

MOST_TENSORS = 1_000
"""Tensors of a model that are looked at: all are held in memory at once, on both sides."""
MOST_LOAD_US = 5_000_000
"""A simulator may take minutes for a session: its user waits for the verdict, not for a name."""

Values = Mapping[str, Any]


def operator_at_fault(
    path: Path, row: Provider, inputs: Values, output: str, *, tolerance: float, load_us: int
) -> str:
    """Type and name of the first node whose result differs from the CPU's.

    The node that makes a wrong output stands in where the inside cannot be looked at, or is right
    as soon as it is looked at: what a provider fuses depends on the outputs.

    Parameters
    ----------
    output
        The output that is wrong.
    tolerance
        Deviation up to which a result is right.
    load_us
        Time that a session took to make there: the inside takes another one.
    """
    model = parse(path)
    names = [name for node in model.graph.node for name in node.output if name]
    if len(names) <= MOST_TENSORS and load_us <= MOST_LOAD_US:
        try:
            expected, got = _inside(with_outputs(model, names), row, inputs)
        except (ProviderRefused, RunFailed, MemoryError, ValueError):
            return maker_of(model, output)
        for node in model.graph.node:
            for name in node.output:
                if name in expected and deviation(expected[name], got[name]) > tolerance:
                    return described(node)
    return maker_of(model, output)


def _inside(model: onnx.ModelProto, row: Provider, inputs: Values) -> tuple[Values, Values]:
    """All tensors of a model as the CPU computes them, and as the provider does."""
    shapes = {name: value.shape for name, value in inputs.items()}
    with TemporaryDirectory(prefix="fjord-inside-") as folder:
        path = Path(folder) / "inside.onnx"
        onnx.save(model, path)
        expected = open_session(path, provider("cpu")).run(inputs)
        return expected, open_session(path, row, shapes=shapes).run(inputs)

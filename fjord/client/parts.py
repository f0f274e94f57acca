"""Inputs as the parts of a form."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

from fjord.client.wire import File, Json, Part, Tensor
from fjord.narrow import labelled


def part_of(name: str, value: File) -> Part:
    """The part of a form that carries an input: a file, or texts as a field in JSON.

    A ``.npy`` file has a fixed width for texts: it would lose a NUL at the end of one, and make all
    as long as the longest.
    """
    if isinstance(value, Path):
        return value.name, value.read_bytes(), "application/octet-stream"
    if isinstance(value, bytes):
        return f"{name}.bin", value, "application/octet-stream"
    import numpy as np

    if isinstance(value, np.ndarray):
        return _texts(_text(value)) if value.dtype.hasobject else _npy(name, value)
    if value and all(item.dtype.hasobject for item in value):
        return _texts([_text(item) for item in value])
    return _npz(name, value)


def _text(array: Tensor) -> Json:
    return {"dtype": "string", "shape": array.shape, "data": array.tolist()}


def _texts(said: Json | list[Json]) -> Part:
    return None, json.dumps(said).encode(), "application/json"


def _npy(name: str, array: Tensor) -> Part:
    import numpy as np

    file = io.BytesIO()
    np.save(file, labelled(array), allow_pickle=False)
    return f"{name}.npy", file.getvalue(), "application/x-npy"


def _npz(name: str, arrays: Sequence[Tensor]) -> Part:
    import numpy as np

    file = io.BytesIO()
    items = {f"{index:06d}": labelled(np.asarray(item)) for index, item in enumerate(arrays)}
    np.savez(file, allow_pickle=False, **items)
    return f"{name}.npz", file.getvalue(), "application/x-npz"

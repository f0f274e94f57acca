"""Records of kernels mean the same with a compiler and without one."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import numpy as np
import pytest

from scheduler.solvers import kernels


def records() -> Iterator[tuple[str, np.dtype[np.void]]]:
    """Every type of a record that a module of the kernels makes, with its name."""
    for module in pkgutil.walk_packages(kernels.__path__, f"{kernels.__name__}."):
        for name, value in vars(import_module(module.name)).items():
            if isinstance(value, np.dtype) and value.names:
                yield f"{module.name.rpartition('.')[2]}.{name}", value


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in records()])
def test_no_field_is_hidden_by_what_every_record_of_numpy_has(kind: np.dtype[np.void]) -> None:
    assert set(kind.names or ()).isdisjoint(dir(np.record))

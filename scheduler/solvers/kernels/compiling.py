"""The one door to numba: how a loop over arrays becomes machine code."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import njit

config: Any = numba.config
F = TypeVar("F", bound=Callable[..., object])

wide = cast(Callable[[Any], int], np.int64)
"""To 64 bits, which is what kernels and parts take: every other integer is compiled anew."""

_config: Any = numba.config
_HERE = Path(__file__).parent
_SHAPES = _HERE.parent / "arrays.py"
_IMPORT = re.compile(r"from scheduler\.solvers\.kernels\.([\w.]+) import")


def kernel(function: F) -> F:
    """Compile a function of numbers, arrays and named tuples of them.

    Compiled at the first call with each combination of types, and kept on disk, so that nobody
    waits for the compiler twice. It runs without the interpreter's lock: threads run kernels side
    by side. Integers wrap and indices are not checked. ``NUMBA_BOUNDSCHECK=1`` checks them, in code
    that is kept apart from the usual; ``NUMBA_DISABLE_JIT=1`` leaves plain Python.
    """
    return _compiled(function)


def part(function: F) -> F:
    """Compile a function that only kernels call, once for all of them.

    What lets Python call a function takes a second to compile for each that takes whole forms;
    a part does without. Each distinct combination of argument types is compiled on its own, and
    a literal is a type: pass numbers as `wide` makes them.
    """
    return _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def lean(function: F) -> F:
    """Compile a function that makes no array and returns none; it may change those it is given.

    Otherwise each look at an array in a named tuple counts references, atomically, which costs more
    than most kernels compute: a tabu search is 25 times as fast without. It becomes part of the
    code of kernels that call it, which is worth as much as two more.
    """
    return _compiled(function, _nrt=False, forceinline=True)


def lean_part(function: F) -> F:
    """Compile a function that is both `lean` and a `part`."""
    return _compiled(
        function, _nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )


def _compiled(function: F, **options: bool) -> F:
    before, _config.CACHE_DIR = _config.CACHE_DIR, _folder(Path(function.__code__.co_filename))
    try:
        compile_it = cast(Any, njit)(cache=True, nogil=True, error_model="numpy", **options)
        return cast(F, compile_it(function))
    finally:
        _config.CACHE_DIR = before


def _folder(source: Path) -> str:
    """Folder of compiled code: what the user chose, or one named after all that goes into it.

    The compiler's own cache looks at the file of a function, and not at those whose functions are
    compiled into it: after a change there it would run old code. Nor does it look at whether bounds
    are checked.
    """
    if _config.CACHE_DIR:
        return cast(str, _config.CACHE_DIR)
    digest = sha256(f"{numba.__version__} {_config.BOUNDSCHECK}".encode())
    for path in sources(source):
        digest.update(path.read_bytes())
    return str(_store() / digest.hexdigest()[:16])


def _store() -> Path:
    """Where compiled code is kept: beside the source, or with the user where that is read only."""
    if os.access(_HERE, os.W_OK):
        return _HERE / "__pycache__"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fjord" / "kernels"


@cache
def sources(source: Path) -> tuple[Path, ...]:
    """A file of kernels, wherever it is, the kernel modules it imports, the form of the arrays.

    Kernels are imported by the name of their module, as ``kernels.serial.records``. Names taken
    from a package would not lead to a file, and compiled code would outlive a change of it.
    """
    found = {_SHAPES}
    waiting = [source] if source.exists() else []
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            names = _IMPORT.findall(path.read_text())
            waiting += [_HERE.joinpath(*name.split(".")).with_suffix(".py") for name in names]
    return tuple(sorted(found))

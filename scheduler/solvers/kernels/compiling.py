"""The one door to numba: decorators that turn a loop over arrays into machine code."""

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
"""Widen to 64 bits. Kernels and parts take no other integer: each type is compiled anew."""

_config: Any = numba.config
_HERE = Path(__file__).parent
_SHAPES = _HERE.parent / "arrays.py"
_IMPORT = re.compile(r"from scheduler\.solvers\.kernels\.([\w.]+) import")


def kernel(function: F) -> F:
    """Compile a function of numbers, arrays and named tuples of them.

    Compiled at the first call with each combination of types, and kept on disk, so that nobody
    waits for the compiler twice. Runs without the interpreter's lock: threads run kernels side by
    side. Integers wrap and indices are not checked. ``NUMBA_BOUNDSCHECK=1`` checks them, in code
    that is kept apart from the usual; ``NUMBA_DISABLE_JIT=1`` leaves plain Python.
    """
    return _compiled(function)


def part(function: F) -> F:
    """Compile a function that only kernels call, once for all of them.

    The wrapper through which Python calls a function takes a second to compile for each function of
    a whole form; a part has none. Each combination of argument types is compiled on its own, and a
    literal is a type: pass numbers as `wide` makes them.
    """
    return _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def lean(function: F) -> F:
    """Compile a function that makes and returns no array; it may change its arguments.

    Other functions count references, atomically, at each look at an array in a named tuple. That
    costs more than most kernels compute: a tabu search is 25 times as fast without. A lean function
    is inlined into the kernels that call it, which doubles the speed once more.
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
    """Folder of compiled code: the user's choice, or one named after a digest of its sources.

    The compiler's own cache looks at the file of a function only. After a change in a file whose
    functions are inlined it would run old code. It also ignores whether bounds are checked.
    """
    if _config.CACHE_DIR:
        return cast(str, _config.CACHE_DIR)
    digest = sha256(f"{numba.__version__} {_config.BOUNDSCHECK}".encode())
    for path in sources(source):
        digest.update(path.read_bytes())
    return str(_store() / digest.hexdigest()[:16])


def _store() -> Path:
    """Folder that holds all compiled code: beside the source, or the user's cache if read only."""
    if os.access(_HERE, os.W_OK):
        return _HERE / "__pycache__"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fjord" / "kernels"


@cache
def sources(source: Path) -> tuple[Path, ...]:
    """Files that compiled code depends on: its own, imported kernel modules, the form of arrays.

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

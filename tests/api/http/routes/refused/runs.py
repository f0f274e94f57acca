"""Settings and inputs of runs that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.api.http.routes.conftest import npy
from tests.api.http.routes.refused.asking import RUNS, Case, run


def bare(content: bytes) -> dict[str, Any]:
    return {"content": content, "headers": {"content-type": "application/x-npy"}}


def npy_of(header: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


CASES = {
    "a NaN deadline": Case(
        url=RUNS,
        arguments=run(deadline_ms=float("nan")),
        field="deadline_ms",
        words=("deadline_ms must be a finite number; got NaN",),
    ),
    "a NaN deadline in the query": Case(
        url=f"{RUNS}?deadline_ms=NaN",
        arguments={
            "content": npy(np.zeros((1, 3), np.float32)),
            "headers": {"content-type": "application/x-npy"},
        },
        field="deadline_ms",
        words=("must be > 0; got 'NaN'",),
    ),
    "a negative deadline": Case(
        url=RUNS, arguments=run(deadline_ms=-1), field="deadline_ms", words=("> 0; got -1",)
    ),
    "an unknown priority": Case(
        url=RUNS, arguments=run(priority="asap"), field="priority", words=("'asap'", "critical")
    ),
    "an input of the wrong shape": Case(
        url=RUNS,
        arguments=run(inputs={"x": {"dtype": "float32", "data": [[1, 2]]}}),
        field="inputs.x",
        words=("dimension 1 must be 3; got 2",),
    ),
    "an input of the wrong type": Case(
        url=RUNS,
        arguments=run(inputs={"x": {"dtype": "int32", "data": [[1, 2, 3]]}}),
        field="inputs.x",
        words=("dtype must be float32; got int32",),
    ),
    "a tensor without its data": Case(
        url=RUNS,
        arguments=run(inputs={"x": {"dtype": "float32"}}),
        field="inputs.x.data",
        words=("must be given; got nothing",),
    ),
    "an input left out": Case(
        url=RUNS, arguments=run(inputs={}), field="inputs.x", words=("must be given: float32",)
    ),
    "an input that is no array": Case(
        url=RUNS,
        arguments={"files": {"x": ("x.npy", b"no array")}},
        field="inputs.x",
        words=("must be a .npy file",),
    ),
    "a wait without end": Case(
        url=f"{RUNS}?wait_s=inf", arguments=run(), field="wait_s", words=("wait_s must be",)
    ),
    "a size of nothing by more than there can be": Case(
        url=RUNS,
        arguments=run(inputs={"x": {"dtype": "float32", "shape": [0, 2**63], "data": []}}),
        field="inputs.x.shape",
        words=("must be one that an array can have",),
    ),
    "a header of an array that ends in a bracket": Case(
        url=RUNS,
        arguments=bare(npy_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1,")),
        field="inputs.x",
        words=("must be a .npy file",),
    ),
    "a header of an array of a negative size": Case(
        url=RUNS,
        arguments=bare(npy_of("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 0)}")),
        field="inputs.x",
        words=("must be a .npy file",),
    ),
}

"""Requests that no route could read, and such that nobody may send."""

from __future__ import annotations

import gzip

import numpy as np

from tests.api.http.routes.conftest import JSON_LIMIT, npy
from tests.api.http.routes.refused.asking import RUNS, Case, run

CASES = {
    "a body over the limit": Case(
        url=RUNS,
        arguments={"files": {"x": ("x.npy", npy(np.zeros((200_000, 3), np.float32)))}},
        status=413,
        field="body",
        words=("at most 2000000 bytes; got 24",),
    ),
    "a body of a type that nobody reads": Case(
        url=RUNS,
        arguments={"content": b"x", "headers": {"content-type": "image/png"}},
        field="content-type",
        words=("must be application/json, multipart/form-data or application/x-npy",),
    ),
    "a body that is no JSON": Case(
        url=RUNS,
        arguments={"content": b"{", "headers": {"content-type": "application/json"}},
        words=("the body must be JSON",),
    ),
    "a setting where nobody reads it": Case(
        url=f"{RUNS}?deadline_ms=5", arguments=run(), field="deadline_ms", words=("in the query",)
    ),
    "an unknown workload": Case(
        url="/v1/workloads/nope/runs",
        arguments=run(),
        status=404,
        field="workload",
        words=("there is no workload 'nope'",),
    ),
    "an unknown run": Case(
        method="GET", url="/v1/runs/r-none", status=404, field="run", words=("'r-none'",)
    ),
    "a tensor outside of its folder": Case(
        method="GET",
        url="/v1/tensors/..%2f..%2fetc/passwd",
        field="key",
        words=("must be <run>/<name>",),
    ),
    "a wrong token": Case(
        method="GET",
        url="/v1/runs",
        arguments={"headers": {"authorization": "Bearer wrong"}},
        status=401,
        field="authorization",
        words=("must be given; got one that is not known",),
    ),
    "a boundary that is too long": Case(
        url=RUNS,
        arguments={
            "content": b"x",
            "headers": {"content-type": f"multipart/form-data; boundary={'b' * 257}"},
        },
        field="content-type",
        words=("with a boundary", "256"),
    ),
    "a host that is no host": Case(
        method="GET",
        url="/v1/runs",
        arguments={"headers": {"host": "["}},
        field="host",
        words=("host must be",),
    ),
    "a host that is no host where nobody is asked for a token": Case(
        method="GET",
        url="/nothing",
        arguments={"headers": {"host": "[::1"}},
        field="host",
        words=("host must be",),
    ),
    "an origin that is no address": Case(
        url=RUNS,
        arguments={"headers": {"origin": "http://["}},
        field="origin",
        words=("origin must be",),
    ),
    "a body in an encoding that nobody undoes": Case(
        arguments={
            "content": gzip.compress(b"{}"),
            "headers": {"content-type": "application/json", "content-encoding": "br"},
        },
        status=415,
        field="content-encoding",
        words=("must be gzip, or be left out", "br"),
    ),
    "a body that is not packed as it says": Case(
        arguments={
            "content": b"{}",
            "headers": {"content-type": "application/json", "content-encoding": "gzip"},
        },
        field="body",
        words=("packed by gzip", "incorrect header"),
    ),
    "a small body that unpacks to a large one": Case(
        arguments={
            "content": gzip.compress(bytes(50 * JSON_LIMIT)),
            "headers": {"content-type": "application/json", "content-encoding": "gzip"},
        },
        status=413,
        field="body",
        words=(f"at most {JSON_LIMIT} bytes",),
    ),
    "half of a surrogate pair": Case(
        url="/v1/models/double/profile",
        arguments={
            "content": b'{"shapes": {"\\ud800": [1]}}',
            "headers": {"content-type": "application/json"},
        },
        words=("the body must be JSON",),
    ),
    "a body of JSON over its limit": Case(
        url=RUNS,
        arguments=run(inputs={"x": {"dtype": "float32", "data": [[0, 0, 0]] * 60_000}}),
        status=413,
        field="body",
        words=(f"at most {JSON_LIMIT} bytes", "send arrays as .npy"),
    ),
    "a format of metrics that nobody speaks": Case(
        method="GET",
        url="/metrics",
        arguments={"headers": {"accept": "application/openmetrics-text; version=x"}},
        field="accept",
        words=("accept must name",),
    ),
    "another web page": Case(
        url=RUNS,
        arguments={"headers": {"origin": "http://evil.example"}},
        status=403,
        field="origin",
        words=("evil.example",),
    ),
}

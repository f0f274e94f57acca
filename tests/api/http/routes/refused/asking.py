"""Requests that are to be refused, and the builders of their bodies."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

RUNS = "/v1/workloads/good/runs"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request, and the status, the field and words of the answer that it must get."""

    method: str = "POST"
    url: str = "/v1/workloads"
    arguments: dict[str, Any] = field(default_factory=dict)
    status: int = 422
    field: str = ""
    words: tuple[str, ...] = ()


def model(content: bytes, name: str = "bad") -> dict[str, Any]:
    return {"data": {"name": name}, "files": {"file": ("m.onnx", content)}}


def form(field: str, content: bytes) -> bytes:
    head = f'--b\r\ncontent-disposition: form-data; name="{field}"; filename="f"\r\n\r\n'
    return head.encode() + content + b"\r\n--b--\r\n"


def run(**body: Any) -> dict[str, Any]:
    given = {"inputs": {"x": {"dtype": "float32", "data": [[1, 2, 3]]}}} | body
    # Not `json=`, which refuses NaN by itself.
    return {"content": json.dumps(given), "headers": {"content-type": "application/json"}}

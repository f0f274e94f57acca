"""Options of providers that are known here, with the values that they take.

Providers accept options that they do not know, and values that mean nothing, without a word: a
typing error would never be seen. A row of the catalogue is held against this list when it is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from scheduler.model.errors import InvalidInput

THREADS = "$THREADS"
"""Stands for the threads of a session."""

_NUMBER = r"\d+"
_THREADS = rf"{re.escape(THREADS)}|[1-9]\d*"
_SWITCH = "0|1"
_OPENVINO_SWITCH = "YES|NO"

KNOWN: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "CPUExecutionProvider": {},
        "OpenVINOExecutionProvider": {
            "load_config.CPU.INFERENCE_PRECISION_HINT": "f32|f16|bf16",
            "load_config.CPU.INFERENCE_NUM_THREADS": _THREADS,
        },
        "OpenVINO": {
            "INFERENCE_PRECISION_HINT": "f32|f16|bf16",
            "INFERENCE_NUM_THREADS": _THREADS,
            "NUM_STREAMS": _NUMBER,
            "ENABLE_CPU_PINNING": _OPENVINO_SWITCH,
            "CPU_DENORMALS_OPTIMIZATION": _OPENVINO_SWITCH,
        },
        "XnnpackExecutionProvider": {"intra_op_num_threads": _THREADS},
        "WebGpuExecutionProvider": {},
        "QNNExecutionProvider": {
            # Not `saver` or `cpu`: the one gives numbers without meaning, the other is no NPU.
            "backend_type": "htp",
            "soc_model": "57",
            "htp_performance_mode": "burst|balanced|default|high_performance|power_saver",
            "enable_htp_fp16_precision": _SWITCH,
        },
        "CUDAExecutionProvider": {"device_id": _NUMBER, "use_tf32": _SWITCH},
        "TensorrtExecutionProvider": {"device_id": _NUMBER},
        "CoreMLExecutionProvider": {
            "ModelFormat": "MLProgram|NeuralNetwork",
            "MLComputeUnits": "ALL|CPUOnly|CPUAndGPU|CPUAndNeuralEngine",
        },
        "DmlExecutionProvider": {"device_id": _NUMBER},
    }
)
"""Pattern of the values per provider and option; an option of JSON is one per leaf."""


def check_options(provider: str, options: Iterable[tuple[str, str]]) -> None:
    """Refuse an option that is not known, or has a value that its provider does not take.

    Raises
    ------
    InvalidInput
        With the option, the law and what came.
    """
    known = KNOWN.get(provider, {})
    for name, value in options:
        for place, leaf in _leaves(name, value):
            if place not in known:
                choices = ", ".join(known) or "none"
                law = f"options of {provider} must be among {choices}"
                raise InvalidInput(f"{law}; got {place!r}", field=place)
            if not re.fullmatch(known[place], leaf):
                law = f"option {place} of {provider} must be {known[place]}"
                raise InvalidInput(f"{law}; got {leaf!r}", field=place)


def _leaves(name: str, value: object) -> Iterable[tuple[str, str]]:
    """Options of an option that is JSON, by their paths; itself if it is none."""
    found = json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    if not isinstance(found, dict):
        return [(name, str(found))]
    return [leaf for key, inner in found.items() for leaf in _leaves(f"{name}.{key}", inner)]

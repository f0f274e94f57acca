"""Versions of what runs models: another release loads, chooses and computes otherwise."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import onnxruntime as ort

from devices.catalogue import Provider


def runtime_version() -> str:
    """Version of ONNX Runtime in this process."""
    return str(ort.__version__)


def plug_in_version(row: Provider) -> str:
    """Version of the package that brings a provider; empty if it is not installed as one."""
    try:
        return version(row.package)
    except PackageNotFoundError:
        return ""

"""Installed packages of providers, found without loading anything."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from devices.catalogue import Host, Provider

RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
"""Distributions of ONNX Runtime itself: they exclude each other, and each has the CPU provider."""


def missing(row: Provider, host: Host) -> str:
    """Reason that the provider cannot be on this host; empty if it can."""
    if host.system not in row.systems:
        return f"it exists on {' and '.join(row.systems)} only; this is {host.system}"
    if not version(row):
        return f"package {row.package} is not installed: {row.remedy}"
    return ""


def version(row: Provider) -> str:
    """Version of the package that brings the provider; empty if it is not installed."""
    return first_version(RUNTIMES if row.package == RUNTIMES[0] else (row.package,))


def first_version(packages: Iterable[str]) -> str:
    """Version of the first of these packages that is installed; empty if none is.

    Examples
    --------
    >>> first_version(["no-such-package", "onnxruntime"]) == first_version(["onnxruntime"])
    True
    """
    for package in packages:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return ""

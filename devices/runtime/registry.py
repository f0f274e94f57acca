"""Providers of this process: their plug-ins are registered once, and their devices looked up."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any

import onnxruntime as ort

from devices.box.host import this_host
from devices.box.packages import missing
from devices.catalogue import OPENVINO, Provider
from devices.runtime import vulkan
from devices.runtime.engines import openvino
from devices.runtime.errors import ProviderRefused, in_one_line
from scheduler.model.messages import Verdict

_registered: dict[str, list[Any]] = {}
_loaded: set[str] = set()
"""ONNX Runtime's names of plug-ins whose library is loaded; a second time is an error to it."""
_lock = Lock()


def is_present(row: Provider) -> bool:
    """True if the provider is installed here; it may still find no device, or fail."""
    is_foreign = bool(row.library) or row.engine == OPENVINO
    known = is_foreign or row.ort_name in ort.get_available_providers()
    return known and not missing(row, this_host())


def devices(row: Provider) -> list[Any]:
    """ONNX Runtime's devices of a plug-in provider; empty for one that is built in.

    Raises
    ------
    ProviderRefused
        If it is not installed, does not load, or finds no device.
    """
    with _lock:
        if row.name not in _registered:
            _registered[row.name] = _register(row)
        return _registered[row.name]


def _register(row: Provider) -> list[Any]:
    host = this_host()
    reason = missing(row, host)
    if reason:
        raise ProviderRefused(Verdict.NOT_INSTALLED, reason)
    os.environ.update(row.environment_on(host))
    if row.engine == OPENVINO:
        openvino.core()
        return []
    if not row.library:
        return _built_in(row)
    if row.needs_software_vulkan and row.is_simulated(host) and not vulkan.use():
        raise ProviderRefused(Verdict.NO_DEVICE, f"no GPU and no software Vulkan: {vulkan.INSTALL}")
    return _plug_in(row)


def _built_in(row: Provider) -> list[Any]:
    # CUDA's libraries may come as Python packages, which no loader finds by itself.
    if row.lane == "cuda" and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()
    if not is_present(row):
        reason = f"this build of onnxruntime has no {row.ort_name}: {row.remedy}"
        raise ProviderRefused(Verdict.NOT_INSTALLED, reason)
    return []


def _plug_in(row: Provider) -> list[Any]:
    library = _library(row)
    # Another row of the same provider may have loaded it; it stays loaded if it finds no device.
    if row.ort_name not in _loaded:
        try:
            ort.register_execution_provider_library(row.ort_name, library())
        except Exception as error:
            reason = f"its library does not load: {in_one_line(error)}"
            raise ProviderRefused(Verdict.FAILED, reason) from error
        _loaded.add(row.ort_name)
    found = [device for device in ort.get_ep_devices() if device.ep_name == row.ort_name]
    if not found:
        wanted = f"takes {row.reach} only, and finds none" if row.reach else "finds no device"
        raise ProviderRefused(Verdict.NO_DEVICE, f"{row.ort_name} {wanted} here")
    return found


def _library(row: Provider) -> Callable[[], str]:
    module, _, function = row.library.partition(":")
    if find_spec(module) is None:
        raise ProviderRefused(Verdict.NOT_INSTALLED, f"no module {module}: {row.remedy}")
    finder: Callable[[], str] = getattr(import_module(module), function)
    return finder

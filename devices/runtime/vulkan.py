"""Puts the software Vulkan that ``deploy/vulkan/install.sh`` unpacks to use in this process.

Nothing has to be set before the process starts: a library that is already loaded satisfies later
requests for its name, and the Vulkan loader reads its variables when an instance is made.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

INSTALL = "run deploy/vulkan/install.sh, or set FJORD_VULKAN_DIR to the folder that it made"
_PROJECT = Path(__file__).resolve().parents[2]


def folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Folder of it: ``FJORD_VULKAN_DIR``, else ``.vulkan`` here or beside the project."""
    named = environment.get("FJORD_VULKAN_DIR")
    places = [Path(named)] if named else [Path.cwd() / ".vulkan", _PROJECT / ".vulkan"]
    return next((place for place in places if (place / "icd.json").is_file()), None)


def use() -> bool:
    """Load the software Vulkan unless the user chose another driver; true if there is one."""
    found = folder()
    chosen = os.environ.get("VK_DRIVER_FILES") or os.environ.get("VK_ICD_FILENAMES")
    # A parent that uses it hands the variable on, but not the libraries that it has loaded.
    if chosen and (found is None or chosen != str(found / "icd.json")):
        return True
    if found is None:
        return False
    _load(sorted((found / "lib").glob("*.so*")))
    os.environ["VK_ICD_FILENAMES"] = str(found / "icd.json")
    # Shaders take seconds to compile; the driver keeps them from one process to the next.
    os.environ.setdefault("MESA_SHADER_CACHE_DIR", str(found / "cache"))
    return True


def _load(libraries: Iterable[Path]) -> None:
    """Load libraries that need each other, in an order that works."""
    waiting = list(libraries)
    while waiting:
        failed = [library for library in waiting if not _loads(library)]
        if len(failed) == len(waiting):
            ctypes.CDLL(str(failed[0]))  # raises, and names the missing library
        waiting = failed


def _loads(library: Path) -> bool:
    try:
        ctypes.CDLL(str(library))
    except OSError:
        return False
    return True

"""Places of the sockets at which workers take calls: one a machine, for this user alone."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from devices.tensor_folders import private_folder

_FOLDER = ".doors"
"""Beside the tensors of the box. No run is called so."""
_DIGITS = 16
_LONGEST_PATH = 100
"""The system takes 107 bytes for the path of a socket, some 103."""


def door_path(root: Path, machine: str) -> Path:
    """The path of a machine's socket; its folder need not be there.

    Parameters
    ----------
    root
        Folder of the tensors of the box, which its agent, its workers and its API processes share.
    """
    name = f"{_short(machine)}.sock"
    near = root / _FOLDER / name
    if len(str(near)) <= _LONGEST_PATH:
        return near
    return private_folder() / f"{_FOLDER}-{_short(str(root))}" / name


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_DIGITS]

"""Lock files: held by one process at a time, with a text that says by whom."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class LockHeld(Exception):
    """Another process holds the lock; `text` is what it wrote there."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def take(path: Path, text: str) -> IO[str]:
    """Hold a lock file until it is closed, or until this process dies.

    Raises
    ------
    LockHeld
        If another process holds it.
    """
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        held = LockHeld(lock.read().strip())
        lock.close()
        raise held from None
    lock.truncate(0)
    lock.write(text)
    lock.flush()
    return lock


def text_of_holder(path: Path) -> str | None:
    """Read the text of the process that holds the lock; ``None`` if no process does."""
    try:
        lock = path.open("r")
    except FileNotFoundError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return lock.read().strip()
    return None

"""Work on a copy of this process as it is at one moment: a child that the kernel copies lazily."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from typing import NoReturn

from api.process.children import die_with_parent
from scheduler.model.errors import Defect

NICENESS = 5
"""Low enough that answers come first, and still the work gets done on a full box."""
LONGEST_S = 120.0
"""A copy that is not through by then has met a lock that nobody holds any more."""
_WORKED, _BROKE = b"+", b"-"


async def in_a_copy(
    work: Callable[[], bytes], stopped: Callable[[float], object] = lambda _: None
) -> bytes:
    """Call `work` in a child that is a copy of this process as it is now, and return its answer.

    Only the copying of page tables, some milliseconds, stops this process; pages are copied when
    one of the two writes to them. Other threads do not exist in the child, and their locks may be
    held for ever: `work` must do no more than compute.

    Parameters
    ----------
    stopped
        Told how long this process was stopped, in seconds.

    Raises
    ------
    Defect
        If the work breaks, with its error, or does not end.
    """
    read, write = os.pipe()
    began_s = time.perf_counter()
    with warnings.catch_warnings():
        # From Python 3.12 on a process with threads is warned: see above.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        _be_child(work, write)
    stopped(time.perf_counter() - began_s)
    os.close(write)
    try:
        async with asyncio.timeout(LONGEST_S):
            said = await asyncio.to_thread(_read_all, read)
    except TimeoutError as error:
        raise Defect(f"the copy was not through after {LONGEST_S:g} s") from error
    finally:
        # One that is done has ended or is about to: after an orderly end this changes nothing.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if said[:1] != _WORKED:
        raise Defect(f"the copy broke: {said[1:].decode(errors='replace') or 'it was ended'}")
    return said[1:]


def _read_all(source: int) -> bytes:
    with os.fdopen(source, "rb") as file:
        return file.read()


def _be_child(work: Callable[[], bytes], into: int) -> NoReturn:
    """Do the work, hand over its answer, and end without any of the parent's clean-up."""
    try:
        # Going through all objects would copy all pages.
        gc.disable()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent()
        os.nice(NICENESS)
        with os.fdopen(into, "wb") as file:
            try:
                file.write(_WORKED + work())
            except Exception:
                file.write(_BROKE + traceback.format_exc().encode())
    finally:
        os._exit(0)

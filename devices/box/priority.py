"""Shares of a contended core: niceness of processes, and of whole sessions.

Linux (`sched_autogroup`) divides a core among sessions first, and by niceness only among the
processes of each. A session's weight is that of one process, divided among the cores on which it is
busy: workers that keep n cores busy, all in one session, have an nth of it on each. The service,
the store and the agent, each in a session of its own, have all of theirs: so they stand above the
workers without any privilege. In a container or a unit with a weight of its own there are no such
sessions: niceness counts among what is in it.

A share says nothing of how soon it comes. From Linux 6.12 on, a running process finishes its turn
(1.4 ms on two cores, 2.8 on eight) before one that wakes, unless that one takes shorter turns; the
shares stay as they are. A sync of the store took 2.9 ms while both cores were busy, and takes 0.25
now.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys
import time
from pathlib import Path

OFFICE = -5
"""Niceness of service, store and agent, where it is allowed: three times the weight of others."""
WORKER = 5
"""Niceness of a worker: a third of the weight of its agent."""
SEARCH = 8
"""Niceness of a search for better plans: 172 to 1024, and to 512 beside one of two busy workers."""
GETTING_READY = 2
"""Niceness of its few seconds of loading: one that is ready late finds nothing in time."""
LEFTOVERS = 19
"""Niceness of work that nobody waits for: about a sixtieth of a contended core."""
PATIENCE_S = 2.0
PAUSE_S = 0.05
"""Pause between tries: Linux takes one change in 0.1 s from all users without privilege."""

SHORT_TURN_NS = 700_000
"""Half of the usual on two cores. In much shorter ones the answering processes interrupt each
other."""
USUAL_TURN_NS = 0

SWITCH = Path("/proc/sys/kernel/sched_autogroup_enabled")
CGROUPS = Path("/sys/fs/cgroup")
LOGINS = "user.slice"
SET_AND_GET = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""Numbers of ``sched_setattr(2)`` and ``sched_getattr(2)``, which few C libraries offer by name."""


class _Attributes(ctypes.Structure):
    """``struct sched_attr`` of its first version; for a normal process `runtime` is its turn."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def stand_above(pid: int = 0) -> None:
    """Put a process above workers and other programs, as far as the user may."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, OFFICE)
    weigh_session(OFFICE, pid)
    take_turns(SHORT_TURN_NS, pid)


def stand_above_workers() -> None:
    """Put the calling agent above its workers, which have a session of their own.

    Not its process, but its session: the niceness of the process they would inherit.
    """
    weigh_session(OFFICE)
    take_turns(SHORT_TURN_NS)


def give_way_to_agent() -> None:
    """Lower the calling worker, where that takes nothing from it beside other programs."""
    take_turns(USUAL_TURN_NS)
    if is_apart():
        os.nice(WORKER)


def leave_session(niceness: int) -> None:
    """Give the calling process a session of its own, with that niceness, and have it itself.

    A process that was started with more niceness keeps that: few users may take it back.
    """
    take_turns(USUAL_TURN_NS)
    os.setpriority(os.PRIO_PROCESS, 0, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))
    with contextlib.suppress(PermissionError):  # it leads a session
        os.setsid()
    weigh_session(niceness)


def weigh_session(niceness: int, pid: int = 0) -> bool:
    """Set the niceness of the session that a process leads; ``False`` where that cannot be.

    Parameters
    ----------
    pid
        The leader; 0 for the calling process.
    """
    pid = pid or os.getpid()
    until_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            if os.getsid(pid) != pid:  # those beside it in the session are not ours to weigh
                return False
            Path(f"/proc/{pid}/autogroup").write_text(str(niceness))
        except BlockingIOError:
            if time.monotonic() > until_s:
                return False
            time.sleep(PAUSE_S)
        except OSError:  # no such file, or not allowed
            return False
        else:
            return True


def take_turns(length_ns: int, pid: int = 0) -> None:
    """Have a process run for so long at a time, where Linux lets that be chosen.

    A process of short turns runs soon after it wakes. Its later threads and children do the same.

    Parameters
    ----------
    length_ns
        Length from 100,000 to 100,000,000; `USUAL_TURN_NS` for the usual one.
    """
    attributes = _attributes(pid)
    if attributes is not None:
        attributes.runtime = length_ns
        number, _ = SET_AND_GET[platform.machine()]
        _libc().syscall(number, pid, ctypes.byref(attributes), 0)


def turn_ns(pid: int = 0) -> int:
    """Length of a process's turn; 0 where Linux does not tell."""
    attributes = _attributes(pid)
    return 0 if attributes is None else int(attributes.runtime)


def _attributes(pid: int) -> _Attributes | None:
    """Scheduling attributes of a process by the kernel; ``None`` where they cannot be asked for."""
    if sys.platform != "linux" or platform.machine() not in SET_AND_GET:
        return None
    attributes = _Attributes(size=ctypes.sizeof(_Attributes))
    _, number = SET_AND_GET[platform.machine()]
    failed = _libc().syscall(number, pid, ctypes.byref(attributes), attributes.size, 0)
    return None if failed else attributes


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def is_apart() -> bool:
    """True if niceness counts only among processes of ours: in a session, a container, a unit."""
    try:
        rows = [row.split(":", 2) for row in Path("/proc/self/cgroup").read_text().splitlines()]
        sessions = SWITCH.read_text().strip() == "1"
    except (OSError, ValueError):
        return False
    weighed = [path for _, names, path in rows if _has_weight(names, path)]
    if not weighed:
        return sessions
    return not any(LOGINS in path for path in weighed)


def _has_weight(names: str, path: str) -> bool:
    """True if a control group divides the processor; the root, which holds all, does not."""
    if names:  # version 1
        return "cpu" in names.split(",") and path != "/"
    return (CGROUPS / path.lstrip("/") / "cpu.weight").exists()

"""Entry of a worker process: ``python -m devices.worker --cores 0,1 --fd N``.

Nothing that starts threads may be imported before the process is pinned: libraries size their pools
by the cores that they see when they load.
"""

import argparse
import ctypes
import os
import signal
import sys

from devices.box.priority import give_way_to_agent

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the request took effect
        sys.exit(1)


def _limit(cores: list[int]) -> None:
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    threads = str(max(1, len(cores)))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = threads


def main() -> None:
    """Pin the process, then serve its agent until it goes away."""
    parser = argparse.ArgumentParser(prog="devices.worker")
    parser.add_argument("--cores", default="", help="comma-separated core numbers; all if empty")
    parser.add_argument("--fd", type=int, required=True, help="socket to the agent")
    parser.add_argument("--parent", type=int, required=True, help="process id of the agent")
    arguments = parser.parse_args()
    # The agent alone decides when a worker ends: an interrupt of the terminal reaches all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends a call that hangs
    _die_with_parent(arguments.parent)
    give_way_to_agent()
    _limit([int(core) for core in arguments.cores.split(",") if core])

    from devices.worker.loop import serve

    serve(arguments.fd)


main()

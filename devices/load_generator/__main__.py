"""One process of the load generator: ``python -m devices.load_generator --kind mixed ...``."""

import argparse
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_GRACE_S = 5  # to start and end, beyond the time that it may make load


def main() -> None:
    """Pin the process, see to its end, then make load."""
    parser = argparse.ArgumentParser(prog="devices.load_generator")
    parser.add_argument("--kind", required=True)
    parser.add_argument("--core", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--duty", type=float, default=1.0)
    parser.add_argument("--parent", type=int, required=True, help="ends when that process ends")
    arguments = parser.parse_args()
    _see_to_its_end(arguments.parent, arguments.seconds)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {arguments.core})
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before NumPy loads

    from devices.load_generator.burner import burn

    burn(arguments.kind, arguments.seconds, arguments.seed, arguments.duty)


def _see_to_its_end(parent: int, seconds: float) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the request took effect
        sys.exit(1)
    if hasattr(signal, "setitimer"):  # a hard end, should the work itself get stuck
        signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE_S)


main()

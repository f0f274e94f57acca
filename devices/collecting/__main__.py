"""A process that times models: ``python -m devices.collecting --cores 0 --provider cpu ...``."""

import argparse
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> None:
    """Pin the process before anything that starts threads is loaded, then serve."""
    parser = argparse.ArgumentParser(prog="devices.collecting")
    parser.add_argument("--cores", required=True, help="comma-separated core numbers")
    parser.add_argument("--provider", required=True)
    parser.add_argument("--parent", type=int, required=True, help="ends when that process ends")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != arguments.parent:
        sys.exit(1)
    cores = [int(core) for core in arguments.cores.split(",")]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(len(cores))

    from devices.collecting.serving import serve

    serve(arguments.provider, len(cores))


main()

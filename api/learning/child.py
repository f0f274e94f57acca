"""The process that trains: one thread, and only what others leave over.

Run as a module it is ``fjord cost train`` with these arguments.
"""

from __future__ import annotations

import os
import sys

from api.process.children import die_with_parent, yield_to_others

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def main() -> None:
    """Train, with the exit code of the command."""
    die_with_parent()
    yield_to_others()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    # Only now: libraries read these variables when they are loaded.
    from api.cli.app import run

    sys.exit(run(["cost", "train", *sys.argv[1:]]))


if __name__ == "__main__":
    main()

"""The process that trains: ``python -m api.learning.child FOLDER FILE``.

It takes one thread, and only cores that others leave idle. It prints its answer as JSON, and after
a failure one line on its standard error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from api.process.children import die_with_parent, yield_to_others
from scheduler.model.errors import FjordError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def main() -> None:
    """Train once. The exit code is 1 after a failure."""
    die_with_parent()
    yield_to_others()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    # Imported here, because libraries read these variables when they are loaded.
    from api.learning.training import train

    folder, into = map(Path, sys.argv[1:])
    try:
        answer = train(folder, into).as_dict()
    except (FjordError, OSError) as error:
        # One line, because the service keeps the last one as the reason.
        reason = " ".join(str(error).split()) or type(error).__name__
        sys.exit(f"error: {reason}")
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()

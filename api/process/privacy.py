"""Files of a site, which only the user who runs it may read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

OTHERS = 0o077
"""Rights on a file of everybody but its owner."""


def keep_private(folder: Path) -> None:
    """Make a data folder for its owner alone, and all files that this process makes from now on.

    A folder that is there and holds other things keeps its mode: it may be one that others need.
    """
    os.umask(OTHERS)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "store").is_dir() or not any(folder.iterdir()):
        with contextlib.suppress(PermissionError):  # somebody else's, lent to us
            folder.chmod(0o777 & ~OTHERS)

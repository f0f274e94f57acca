"""Files of models in the data folder, each under the digest of its content."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from api.http.context import Context
from api.oracle.counting import COST_SUFFIX, PART_SUFFIX, Counted, drop, write
from scheduler.model.errors import UnknownName

STALE_S = 3600.0
"""An upload that has not grown for so long belongs to a process that died."""


def keep(path: Path, digest: str, counted: Counted | None, context: Context) -> None:
    """Put a file that came in whole in its place, with the counts of its graph."""
    # The counts first: a model that is there has them.
    if counted is not None:
        write(context.models_dir, digest, counted)
    path.rename(context.model_path(digest))
    descriptor = os.open(context.models_dir, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def drop_unused_file(digest: str, context: Context) -> None:
    """Delete a model's file unless a model has it. `Context.filing` is held meanwhile."""
    try:
        await context.store.model_by_digest(digest)
    except UnknownName:
        context.model_path(digest).unlink(missing_ok=True)
        drop(context.models_dir, digest)


def sweep(models_dir: Path) -> None:
    """Delete files that uploads left behind whose process died."""
    oldest_s = time.time() - STALE_S
    for path in models_dir.glob(f"*{PART_SUFFIX}"):
        if path.stat().st_mtime < oldest_s:
            _remove(path)
    for path in models_dir.glob(f"*{COST_SUFFIX}"):
        has_model = path.with_name(path.name.removesuffix(COST_SUFFIX) + ".onnx").exists()
        if not has_model and path.stat().st_mtime < oldest_s:
            path.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    """Delete a file, or the folder in which a partition was made."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

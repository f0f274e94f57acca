"""Counts that are missing: of models that an earlier release kept, and of files that were damaged.

They are made in the background, one after the other, while the office is held: whatever is not
counted yet is predicted by what was measured of it, or not at all. The event that follows is what
lets predictions know a graph, so that a later fold of the log knows it from the same moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from api.oracle.counting.kept import Counted, read, write
from api.oracle.oracle import counts_of
from scheduler.control.events import Event, GraphCounted
from scheduler.control.state.fleet import LiveModel


async def make_missing(
    models: dict[str, LiveModel],
    models_dir: Path,
    tell: Callable[[Event], Awaitable[None]],
    now_us: Callable[[], int],
) -> None:
    """Count every model whose file is here and whose counts are not; tell the log."""
    for digest in list(models):
        model = models.get(digest)
        if model is None:
            continue
        found = await asyncio.to_thread(_counts, models_dir, model)
        if found is not None and found.checksum != model.counts:
            await tell(GraphCounted(at_us=now_us(), digest=digest, counts=found.checksum))


def _counts(models_dir: Path, model: LiveModel) -> Counted | None:
    """The counts that are kept, or made now; ``None`` if there is no file, or it broke off."""
    known = read(models_dir, model.digest)
    path = models_dir / f"{model.digest}.onnx"
    if known is not None or not path.is_file():
        return known
    found = counts_of(path, model.shapes, is_background=True)
    # A model that was deleted meanwhile leaves nothing behind.
    if found is None or not path.is_file():
        return None
    write(models_dir, model.digest, found)
    return found

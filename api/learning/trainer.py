"""Trains in a process of its own, which can be paused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LONGEST_S = 3_600.0
"""A training that is not done by then hangs: its process is ended. Pauses count."""


def is_possible() -> bool:
    """True if the libraries that training needs are installed."""
    return find_spec("sklearn") is not None


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """The answer of the process that trained, or the reason of its failure."""

    answer: dict[str, Any]
    failure: str = ""


class TrainingProcess:
    """A process that trains. It replaces the file itself, if its model is no worse."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.is_paused = False

    def pause(self, wanted: bool) -> None:
        """Stop it, or let it go on."""
        if wanted != self.is_paused:
            self.is_paused = wanted
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGSTOP if wanted else signal.SIGCONT)

    async def outcome(self) -> TrainingOutcome:
        """Wait for its end."""
        try:
            async with asyncio.timeout(LONGEST_S):
                out, err = await self._process.communicate()
        except TimeoutError:
            return TrainingOutcome({}, f"it was ended after {LONGEST_S:g} s")
        said = err.decode(errors="replace").strip()
        if self._process.returncode == 0:
            with contextlib.suppress(ValueError):
                return TrainingOutcome(json.loads(out))
        code = self._process.returncode
        return TrainingOutcome(
            {}, said.splitlines()[-1] if said else f"its process ended with {code}"
        )


@asynccontextmanager
async def training(folder: Path, into: Path) -> AsyncIterator[TrainingProcess]:
    """Start a training; its process is gone when the context ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "api.learning.child", str(folder), str(into)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield TrainingProcess(process)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

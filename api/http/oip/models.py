"""Models as the protocol tells of them, and those that were called here, with their statistics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from api.http.context import Context
from api.http.errors import shown
from api.http.oip.datatypes import DATATYPES
from api.store.catalogue import ModelRecord, TensorInfo
from fjord import __version__
from scheduler.model import keys
from scheduler.model.errors import FjordError, UnknownName
from scheduler.model.messages import Verdict

VERSION = "1"
"""A model is one file and never changes, so there is one version of it."""
PLATFORM = "onnx_onnxv1"
REMEMBERED_S = 1.0
"""Time for which another process may still call a model that was deleted here."""
MOST_REMEMBERED = 1_000


@dataclass(slots=True)
class Statistics:
    """Inferences of one model that this process answered; times in microseconds."""

    done: int = 0
    failed: int = 0
    answered_us: int = 0
    failed_us: int = 0
    waited_us: int = 0
    computed_us: int = 0
    latest_ms: int = 0

    @contextmanager
    def counted(self) -> Iterator[Callable[[int, int], None]]:
        """Count an inference. It is told how long the inference waited and was computed."""
        begun_us = _now_us()

        def done(waited_us: int, computed_us: int) -> None:
            self.done += 1
            self.answered_us += _now_us() - begun_us
            self.waited_us += waited_us
            self.computed_us += computed_us
            self.latest_ms = time.time_ns() // 1_000_000

        try:
            yield done
        except FjordError:
            self.failed += 1
            self.failed_us += _now_us() - begun_us
            raise

    def said(self, name: str) -> dict[str, Any]:
        """The form of the protocol, with durations in nanoseconds."""
        moving_us = max(0, self.answered_us - self.waited_us - self.computed_us)
        return {
            "name": name,
            "version": VERSION,
            "last_inference": self.latest_ms,
            "inference_count": self.done,
            "execution_count": self.done,
            "inference_stats": {
                "success": _duration(self.done, self.answered_us),
                "fail": _duration(self.failed, self.failed_us),
                "queue": _duration(self.done, self.waited_us),
                "compute_input": _duration(self.done, moving_us),
                "compute_infer": _duration(self.done, self.computed_us),
                "compute_output": _duration(self.done, 0),
                "cache_hit": _duration(0, 0),
                "cache_miss": _duration(0, 0),
            },
            "batch_stats": [],
        }


@dataclass(slots=True)
class Called:
    """Models by name, remembered for a moment, and the statistics of those that were called."""

    known: dict[str, tuple[float, ModelRecord]] = field(default_factory=dict)
    statistics: dict[str, Statistics] = field(default_factory=dict)

    async def find(self, name: str, version: str, context: Context) -> ModelRecord:
        """The model of a name; `UnknownName` if there is none, or not in that version."""
        if version not in ("", VERSION):
            law = f"version of model {name!r} must be {VERSION}"
            raise UnknownName(f"{law}; got {shown(version)}", field="version")
        now_s = time.monotonic()
        known = self.known.get(name)
        if known is not None and now_s - known[0] < REMEMBERED_S:
            return known[1]
        self.known.pop(name, None)
        record = await context.store.model(name)
        if len(self.known) >= MOST_REMEMBERED:
            self.known.clear()
        self.known[name] = (now_s, record)
        return record

    def of(self, name: str) -> Statistics:
        """Statistics of a model."""
        return self.statistics.setdefault(name, Statistics())


def server(extensions: Sequence[str]) -> dict[str, Any]:
    """Metadata of the service."""
    return {"name": "fjord", "version": __version__, "extensions": extensions}


async def is_in_office(context: Context) -> bool:
    """True if a controller is in office; without a machine calls wait, as runs do."""
    store = context.store
    return bool(await store.call("EXISTS", keys.lease(store.site)))


def index(records: Iterable[ModelRecord]) -> list[dict[str, Any]]:
    """List models as a repository."""
    return [
        {"name": each.name, "version": VERSION, "state": "READY", "reason": ""} for each in records
    ]


def metadata(record: ModelRecord) -> dict[str, Any]:
    """Metadata of a model."""
    return {
        "name": record.name,
        "versions": [VERSION],
        "platform": PLATFORM,
        "inputs": _tensors(record.inputs),
        "outputs": _tensors(record.outputs),
    }


def config(record: ModelRecord) -> dict[str, Any]:
    """Configuration of a model, as clients of Triton read it."""
    return {
        "name": record.name,
        "platform": PLATFORM,
        "backend": "onnxruntime",
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": 0,
        "input": [_configured(info) for info in record.inputs],
        "output": [_configured(info) for info in record.outputs],
    }


async def is_ready(record: ModelRecord, context: Context) -> bool:
    """True if a model was measured and holds on a machine that is up."""
    view = await context.store.view()
    if view is None:
        return False
    up = {machine.report.id for machine in view.machines if machine.state == "up"}
    return any(
        profile.digest == record.digest
        and profile.machine in up
        and profile.verdict is Verdict.USABLE
        for profile in view.profiles
    )


def _tensors(infos: Iterable[TensorInfo]) -> list[dict[str, Any]]:
    return [
        {
            "name": info.name,
            "datatype": DATATYPES.get(info.dtype, info.dtype.upper()),
            "shape": _sizes(info),
        }
        for info in infos
    ]


def _configured(info: TensorInfo) -> dict[str, Any]:
    datatype = DATATYPES.get(info.dtype, info.dtype.upper())
    kind = "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"
    return {"name": info.name, "data_type": kind, "dims": _sizes(info)}


def _sizes(info: TensorInfo) -> list[int]:
    """Sizes with -1 for those that are open; also for a shape of any rank."""
    return [size if isinstance(size, int) else -1 for size in info.shape or (-1,)]


def _now_us() -> int:
    return time.monotonic_ns() // 1_000


def _duration(count: int, total_us: int) -> dict[str, int]:
    return {"count": count, "ns": total_us * 1_000}

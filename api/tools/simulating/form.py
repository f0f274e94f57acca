"""The form of a scenario's file: TOML or JSON, with times in milliseconds."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from scheduler.model.errors import InvalidInput

Ms = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$")]
ARRIVALS = Literal["periodic", "poisson", "bursty", "trace"]


class _Form(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class MachineForm(_Form, frozen=True):
    """Equal machines of one box; `device_class` is a second name for their costs."""

    name: Name
    lanes: Annotated[int, Meta(ge=0, le=1000)] = 1
    device_class: str = ""
    box: Name = "box"


class ArrivalsForm(_Form, frozen=True):
    """Times at which runs come; of a trace, by the first column of a CSV file."""

    kind: ARRIVALS
    rate_hz: Positive = 1.0
    jitter_ms: Ms = 0.0
    burst: Annotated[int, Meta(ge=1)] = 1
    file: str = ""
    speedup: Positive = 1.0


class StageForm(_Form, frozen=True):
    """A stage, with its median duration everywhere, or by machine or device class."""

    name: Name
    cost_ms: Positive | dict[str, Positive]
    after: tuple[str, ...] = ()
    spread: Annotated[float, Meta(ge=0, le=3)] = 0.0
    output_bytes: Annotated[int, Meta(ge=0)] = 4096


class WorkloadForm(_Form, frozen=True):
    """A graph of stages and the runs of it."""

    name: Name
    arrivals: ArrivalsForm
    stages: Annotated[tuple[StageForm, ...], Meta(min_length=1)]
    priority: Literal["critical", "high", "normal", "background"] = "normal"
    deadline_ms: Positive | None = None
    drop_late: bool = False


class LostForm(_Form, frozen=True):
    """A box that dies, and comes back if `back_ms` is given."""

    box: str
    at_ms: Ms
    back_ms: Ms | None = None


class SlowForm(_Form, frozen=True):
    """Machines of one name that are slower for a while."""

    machine: str
    from_ms: Ms
    until_ms: Ms
    factor: Positive


class ScenarioForm(_Form, frozen=True):
    """All of a file."""

    duration_ms: Positive
    machines: Annotated[tuple[MachineForm, ...], Meta(min_length=1)]
    workloads: Annotated[tuple[WorkloadForm, ...], Meta(min_length=1)]
    lost: tuple[LostForm, ...] = ()
    slow: tuple[SlowForm, ...] = ()
    seed: int = 0


def read(file: Path) -> ScenarioForm:
    """Read a scenario; a name that ends in ``.json`` is JSON, everything else TOML.

    Raises
    ------
    InvalidInput
        With the file, the place in it, the law and the fault.
    """
    text = file.read_text()
    try:
        data = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        return msgspec.convert(data, ScenarioForm)
    except (ValueError, msgspec.ValidationError) as error:
        raise InvalidInput(f"{file}: {error}") from None

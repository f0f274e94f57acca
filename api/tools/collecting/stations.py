"""The machines of this box that can be measured."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from devices.catalogue import provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A machine that is measured: a provider on some cores."""

    provider: str
    cores: tuple[int, ...]

    @property
    def machine(self) -> str:
        """Its name in the rows."""
        return f"{socket.gethostname()}/{self.provider}-{len(self.cores)}"


def stations(cores: Sequence[int]) -> list[Station]:
    """The machines of this box that can be measured: one core, two cores, OpenVINO."""
    from devices.runtime.registry import is_present

    found = [Station(provider="cpu", cores=tuple(cores[:1]))]
    if len(cores) > 1:
        found.append(Station(provider="cpu", cores=tuple(cores[:2])))
    if is_present(provider("openvino")):
        names = ("openvino", "openvino-bf16")
        found += [Station(provider=name, cores=tuple(cores[:1])) for name in names]
    return found

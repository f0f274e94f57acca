"""Reports of an agent on its box: machines, their providers, and verdicts on each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scheduler.model.measuring import Peaks

MOST_SESSIONS = 32
MOST_SESSION_BYTES = 1024 * 1024 * 1024
"""Sessions that a worker keeps, and bytes of their model files; always the one in use. A session
holds about twice its file: weights and their packed copy."""


class Verdict(StrEnum):
    """Verdict on a provider on a machine, or on a model on a provider."""

    USABLE = "usable"
    NOT_INSTALLED = "not_installed"
    NO_DEVICE = "no_device"
    NOT_NEEDED = "not_needed"  # another provider drives the same device
    FAILED = "failed"  # it raised, crashed or timed out
    FELL_BACK = "fell_back"  # nodes landed on another provider
    WRONG = "wrong"  # results differ from the CPU beyond the tolerance
    UNSUPPORTED = "unsupported"  # it declines the model


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReport:
    """A provider as found on a device of an agent.

    Parameters
    ----------
    device_class
        Our own label (``cpu``, ``gpu``, ``npu``, ``dsp``): ONNX Runtime says CPU for simulators.
    simulated
        True if it simulates its hardware, so that its times say nothing about the real one.
    terminates
        True if a running inference can be stopped without ending the worker.
    static_shapes
        True if a session only takes inputs of the shapes it was made for.
    version, runtime
        Of the package that brings it, and of ONNX Runtime; empty if the agent did not say.
    fingerprint
        Hardware and builds that decide its speed, in one line; empty if the agent did not say.
    """

    provider: str
    device_class: str
    verdict: Verdict
    reason: str = ""
    version: str = ""
    simulated: bool = False
    terminates: bool = False
    static_shapes: bool = False
    fingerprint: str = ""
    runtime: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReport:
    """A machine (lane) of an agent and the providers that its worker can use.

    Parameters
    ----------
    id
        Unique in the site: ``<agent>/<lane>``.
    functions
        Names of the registered functions that it can run; empty for lanes that run models only.
    peaks
        Peak rates of its providers that were measured.
    """

    id: str
    device: str
    device_class: str
    cores: tuple[int, ...]
    memory_bytes: int
    providers: tuple[ProviderReport, ...]
    functions: tuple[str, ...] = ()
    peaks: tuple[Peaks, ...] = ()

    def fingerprint(self, provider: str) -> str:
        """Fingerprint of a provider here; empty if unknown."""
        return next((each.fingerprint for each in self.providers if each.provider == provider), "")

    def versions(self, provider: str) -> tuple[str, str]:
        """Versions of ONNX Runtime and of a provider's package here; empty if unknown."""
        found = (
            (each.runtime, each.version) for each in self.providers if each.provider == provider
        )
        return next(found, ("", ""))

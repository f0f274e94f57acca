"""The execution providers of this host, asked of discovery as the product asks it.

A test of one provider says so with ``@pytest.mark.provider("openvino")``, or asks `require`; where
the provider is not, it is skipped by name. At the end of a run one line says on which providers
tests passed.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable

import pytest

from devices.box.discovery import Discovered, discover
from devices.catalogue import CATALOGUE, provider
from devices.runtime.registry import is_present
from scheduler.model.messages import Verdict

ON_EVERY_HOST = ("cpu", "webgpu", "qnn")
"""Those that need no device of their own: simulators stand in for the GPU and the NPU."""
INSTALLED = (*ON_EVERY_HOST, "openvino")
"""Those that the environment of developers brings. Whether OpenVINO finds a device is up to the
processor. Others are tried where they are."""
REQUIRE = "FJORD_REQUIRE_PROVIDERS"
PROPERTY = "provider"
_found: dict[str, Discovered] = {}


def known() -> list[str]:
    """Those that are installed here, or have to be: each is one that may be missing or fail."""
    return [name for name, row in CATALOGUE.items() if name in INSTALLED or is_present(row)]


def found(names: Iterable[str]) -> dict[str, Discovered]:
    """Ask discovery for these, simulators included; each is tried once."""
    wanted = list(names)
    rows = [provider(name) for name in wanted if name not in _found]
    _found.update((item.report.provider, item) for item in discover(simulated=True, rows=rows))
    return {name: _found[name] for name in wanted}


def require(item: pytest.Item, name: str) -> None:
    """Let a test run on a provider; skip it, or fail it if the provider has to be there."""
    item.user_properties.append((PROPERTY, name))
    report = found([name])[name].report
    if report.verdict is Verdict.USABLE:
        return
    message = f"{name} is unusable here: {report.reason}"
    if os.environ.get(REQUIRE) == "1" and not may_be_missing(name, report.verdict):
        pytest.fail(message)
    pytest.skip(message)


def may_be_missing(name: str, verdict: Verdict) -> bool:
    """Tell those that lack a device, or that nobody asked for, from those that are broken."""
    if verdict is Verdict.NOT_INSTALLED:
        return name not in INSTALLED
    return verdict is Verdict.NO_DEVICE and name not in ON_EVERY_HOST


def summary(stats: dict[str, list[object]]) -> str:
    """One line on the providers of a run; empty if it was about none."""
    ended: dict[str, set[str]] = defaultdict(set)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in stats.get(outcome, []):
            for key, name in getattr(report, "user_properties", ()):
                if key == PROPERTY:
                    ended[name].add(outcome)
    told = {name: _told(name, outcomes) for name, outcomes in sorted(ended.items())}
    proven = [name for name, why in told.items() if not why]
    missing = [f"{name} ({why})" for name, why in told.items() if why]
    parts = [("proven", proven), ("not proven", missing)]
    said = "; ".join(f"{word}: {', '.join(names)}" for word, names in parts if names)
    return f"providers on this host: {said}" if said else ""


def _told(name: str, outcomes: set[str]) -> str:
    """Reason why tests that ended like that prove nothing; empty if they do."""
    item = _found.get(name)
    if item is not None and not item.is_usable:
        return item.report.reason
    return "a test failed" if outcomes & {"failed", "error"} else ""

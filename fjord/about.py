"""Name and version of the distribution, as it is installed here."""

from __future__ import annotations

DISTRIBUTION = "fjord-scheduler"
"""The name to install by: on the public index, ``fjord`` is a package of somebody else."""
DEFAULT_URL = "http://127.0.0.1:8080"
"""Address of a service on this computer."""


def __getattr__(name: str) -> str:
    # The parser of metadata is a tenth of the start of a command, and few commands tell a version.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version(DISTRIBUTION)

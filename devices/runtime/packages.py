"""Whether the package of a provider is installed, told without loading anything."""

from __future__ import annotations

from importlib import metadata

from devices.catalogue import Host, Provider


def missing(row: Provider, host: Host) -> str:
    """Why the provider cannot be on this host; empty if it can."""
    if host.system not in row.systems:
        return f"it exists on {' and '.join(row.systems)} only; this is {host.system}"
    if not version(row):
        return f"package {row.package} is not installed: {row.remedy}"
    return ""


def version(row: Provider) -> str:
    """Version of the package that brings the provider; empty if it is not installed."""
    try:
        return metadata.version(row.package)
    except metadata.PackageNotFoundError:
        return ""

"""Name and version of the distribution, as it is installed here."""

from __future__ import annotations

from importlib.metadata import version

DISTRIBUTION = "fjord-scheduler"
"""The name to install by: on the public index, ``fjord`` is a package of somebody else."""
DEFAULT_URL = "http://127.0.0.1:8080"
"""Address of a service on this computer."""
__version__ = version(DISTRIBUTION)

"""Name and version of the distribution, as it is installed here."""

from __future__ import annotations

from importlib.metadata import version

DISTRIBUTION = "fjord-scheduler"
"""The name to install by: on the public index, ``fjord`` is a package of somebody else."""
__version__ = version(DISTRIBUTION)

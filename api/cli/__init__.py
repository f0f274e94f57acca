"""The command line: ``fjord``."""

from api.cli.app import main

__all__ = ["main"]

"""The dashboard: static files that a browser runs. No build step, nothing from elsewhere."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""Folder to serve at ``/``."""

"""Readers of public formats, and the writer of ours. Callers read files; nothing here does."""

from scheduler.instances.instance import Instance
from scheduler.instances.native import write
from scheduler.instances.recognising import FORMATS, parse

__all__ = ["FORMATS", "Instance", "parse", "write"]

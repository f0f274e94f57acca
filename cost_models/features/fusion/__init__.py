"""Groups of nodes that a runtime runs as one kernel.

`patterns.py` holds the chains that runtimes fuse, `links.py` the steps of a trace as a graph. Reads
traces of `features.tracing`. Begin with `groups.py`, which puts every step into a group.
"""

from cost_models.features.fusion.groups import Group, group

__all__ = ["Group", "group"]

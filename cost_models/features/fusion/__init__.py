"""Groups of nodes that a runtime runs as one kernel."""

from cost_models.features.fusion.groups import Group, group

__all__ = ["Group", "group"]

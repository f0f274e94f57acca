"""Figures learned from reports: accuracy of predictions, links between boxes, costs of stops."""

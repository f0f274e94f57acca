"""What a service makes of its own measurements: rows on the disk, and better cost models."""

from api.learning.learning import CostLearning, LearningSettings

__all__ = ["CostLearning", "LearningSettings"]

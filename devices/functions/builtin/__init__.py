"""The functions that come with Fjord. Importing a module registers its functions."""

from devices.functions.builtin import boxes, images, layouts, ranking, text

__all__ = ["boxes", "images", "layouts", "ranking", "text"]

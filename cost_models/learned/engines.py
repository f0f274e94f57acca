"""The door to scikit-learn, which only training needs."""

from __future__ import annotations

from typing import Any

from scheduler.model.errors import Unavailable

MISSING = "training needs scikit-learn: pip install 'fjord-scheduler[cost]'"


def boosting() -> Any:
    """Gradient boosting over histograms.

    Raises
    ------
    Unavailable
        If the library is missing.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ImportError as error:
        raise Unavailable(MISSING) from error
    return HistGradientBoostingRegressor


def drawn_trees() -> Any:
    """Single trees whose cuts are drawn.

    Raises
    ------
    Unavailable
        If the library is missing.
    """
    try:
        from sklearn.tree import ExtraTreeRegressor
    except ImportError as error:
        raise Unavailable(MISSING) from error
    return ExtraTreeRegressor

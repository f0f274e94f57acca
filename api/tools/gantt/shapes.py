"""The few shapes that pictures consist of. Lengths are pixels, y grows downwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from api.tools.gantt.colours import Colour

CHARACTER_WIDTH = 0.6
"""Of a digit in a plain sans-serif font, in font sizes; most letters are narrower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A filled rectangle.

    Parameters
    ----------
    kind
        Kind of thing that it stands for, such as ``operation``; style sheets and tests go by it.
    group
        Shapes of one group light up together.
    tip
        Shown when one points at it.
    """

    x: float
    y: float
    width: float
    height: float
    fill: Colour
    kind: str = ""
    group: int | None = None
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line of text; `y` is the middle of its height."""

    x: float
    y: float
    text: str
    size: float = 11
    fill: Colour
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Shapes, the first ones below the later ones, on white."""

    width: int
    height: int
    title: str
    shapes: tuple[Rectangle | Text, ...]


def text_width(text: str, size: float) -> float:
    """Room to leave for a text, rather too much than too little."""
    return len(text) * size * CHARACTER_WIDTH


def fitting(text: str, size: float, width: float) -> str:
    """As much of a text as fits into a width, empty if nothing sensible does.

    Examples
    --------
    >>> fitting("camera/decode", 10, 60), fitting("camera", 10, 60), fitting("camera", 10, 12)
    ('camera/de…', 'camera', '')
    """
    room = int(width / (size * CHARACTER_WIDTH) + 1e-9)
    if len(text) <= room:
        return text
    return f"{text[: room - 1]}…" if room > 3 else ""

"""Colours that people with any kind of colour vision tell apart."""

from __future__ import annotations

Colour = tuple[int, int, int]
"""Red, green and blue, each from 0 to 255."""

OKABE_ITO: tuple[Colour, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
)
"""Okabe and Ito (2008), "Color Universal Design", without black; neighbours differ in lightness."""
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
INK: Colour = (31, 41, 51)
SOFT: Colour = (97, 110, 124)
GRID: Colour = (226, 231, 236)
ROW: Colour = (246, 248, 250)
ALARM: Colour = (190, 18, 60)


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """Colour with a share of another."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


PALETTE: tuple[Colour, ...] = (
    *OKABE_ITO,
    *(mixed(colour, WHITE, 0.5) for colour in OKABE_ITO),
    *(mixed(colour, BLACK, 0.4) for colour in OKABE_ITO),
)
"""The same hues thrice: pure, light, dark. After these the colours repeat."""


def luminance(colour: Colour) -> float:
    """Relative luminance of WCAG 2.2, from 0 to 1."""
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def readable_on(colour: Colour) -> Colour:
    """Black or white, whichever stands out more.

    Examples
    --------
    >>> readable_on((240, 228, 66)) == BLACK, readable_on((0, 68, 107)) == WHITE
    (True, True)
    """
    # (1.05 / (L + .05)) against ((L + .05) / .05): equal where L + .05 = sqrt(1.05 x .05).
    return WHITE if (luminance(colour) + 0.05) ** 2 < 1.05 * 0.05 else BLACK


def hexadecimal(colour: Colour) -> str:
    """Colour as style sheets write it.

    Examples
    --------
    >>> hexadecimal((0, 114, 178))
    '#0072b2'
    """
    return "#{:02x}{:02x}{:02x}".format(*colour)

"""Images with known text: the input of the demonstration, the same on every box."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

FONT_PX = 34
"""Height of the letters: the recogniser reads lines of 48 pixels, so it loses nothing."""
LINE_PX = 84
MARGIN_PX = 40
INK = (20, 20, 40)

# No spaces, I, O, 0 or 1: the recogniser drops narrow spaces and mixes up the others, whatever runs
# it. The demonstration is about where a model runs, not about how well it reads.
GOODS = ("PALLET", "PARCEL", "CRATE", "METER", "LETTER", "BARREL", "DRUM", "TRUCK")
PLACES = ("GATE", "BAY", "SHELF", "RAMP", "HALL")
DIGITS = "23456789"


def sample_lines(images: int, *, lines_per_image: int = 4, seed: int = 0) -> list[list[str]]:
    """Draw the text of each image, such as ``PALLET-29-GATE-66``.

    Examples
    --------
    >>> sample_lines(1, lines_per_image=2, seed=3) == sample_lines(1, lines_per_image=2, seed=3)
    True
    """
    rng = random.Random(seed)
    return [[_label(rng) for _ in range(lines_per_image)] for _ in range(images)]


def _label(rng: random.Random) -> str:
    goods, place = rng.choice(GOODS), rng.choice(PLACES)
    number = "".join(rng.choices(DIGITS, k=4))
    return f"{goods}-{number[:2]}-{place}-{number[2:]}"


def render(lines: Sequence[str], *, width: int = 640, height: int = 480, seed: int = 0) -> bytes:
    """Draw lines of text, top to bottom, on a light page.

    Parameters
    ----------
    width, height
        Size of the page in pixels.
    seed
        Chooses the tint of the page and the indent of each line.

    Returns
    -------
    bytes
        A PNG file.
    """
    rng = random.Random(seed)
    tint = (rng.randrange(225, 256), rng.randrange(225, 256), rng.randrange(225, 256))
    page = Image.new("RGB", (width, height), tint)
    pen = ImageDraw.Draw(page)
    # Pillow's own font, so that images do not depend on the fonts of the box.
    font = ImageFont.load_default(size=FONT_PX)
    for row, line in enumerate(lines):
        corner = (MARGIN_PX + rng.randrange(0, 24), MARGIN_PX + row * LINE_PX)
        pen.text(corner, line, fill=INK, font=font)
    return _png(page)


def _png(page: Image.Image) -> bytes:
    file = io.BytesIO()
    page.save(file, format="PNG")
    return file.getvalue()

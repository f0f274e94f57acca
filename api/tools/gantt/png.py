"""Pictures as PNG."""

from __future__ import annotations

import io
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from api.tools.gantt.colours import WHITE
from api.tools.gantt.shapes import Picture, Rectangle, Text

SCALE = 2
"""Pixels of the file per pixel of the picture: sharp on dense screens and on paper."""
MOST_PIXELS = 60_000_000
"""Larger pictures are written at their own size."""
ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}


def png(picture: Picture) -> bytes:
    """Write a picture as PNG."""
    pixels = picture.width * picture.height * SCALE**2
    scale = SCALE if pixels <= MOST_PIXELS else 1
    image = Image.new("RGB", (picture.width * scale, picture.height * scale), WHITE)
    draw = ImageDraw.Draw(image)
    for shape in picture.shapes:
        if isinstance(shape, Rectangle):
            _rectangle(draw, shape, scale)
        else:
            _text(draw, shape, scale)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _rectangle(draw: ImageDraw.ImageDraw, shape: Rectangle, scale: int) -> None:
    left, top = round(shape.x * scale), round(shape.y * scale)
    # Ends are inclusive; one pixel at least, or it would not be seen.
    right = max(left, round((shape.x + shape.width) * scale) - 1)
    bottom = max(top, round((shape.y + shape.height) * scale) - 1)
    draw.rectangle((left, top, right, bottom), fill=shape.fill)


def _text(draw: ImageDraw.ImageDraw, shape: Text, scale: int) -> None:
    draw.text(
        (shape.x * scale, shape.y * scale),
        shape.text,
        fill=shape.fill,
        font=_font(shape.size * scale),
        anchor=ANCHORS[shape.anchor],
        stroke_width=0.4 * scale if shape.bold else 0,
    )


@cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that comes with Pillow: a picture looks the same on every machine."""
    return ImageFont.load_default(size)

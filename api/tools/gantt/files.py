"""Pictures of schedules as files, of the kind that the name of the file says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from api.tools.gantt.chart import Chart
from api.tools.gantt.layout import picture_of
from api.tools.gantt.shapes import Picture
from scheduler.model.errors import InvalidInput


def _svg(picture: Picture) -> bytes:
    from api.tools.gantt.svg import svg

    return svg(picture).encode()


def _html(picture: Picture) -> bytes:
    from api.tools.gantt.svg import page

    return page(picture).encode()


def _png(picture: Picture) -> bytes:
    # Imported here: only those who want it wait for Pillow.
    from api.tools.gantt.png import png

    return png(picture)


WRITERS: dict[str, Callable[[Picture], bytes]] = {".svg": _svg, ".png": _png, ".html": _html}


def expect_picture(file: Path) -> None:
    """Refuse a name that says no kind of picture, or whose folder is not there.

    Raises
    ------
    InvalidInput
        With the kinds that there are.
    """
    if file.suffix.lower() not in WRITERS:
        choices = ", ".join(WRITERS)
        raise InvalidInput(f"--gantt must end in one of {choices}; got {file.name!r}")
    if not file.parent.is_dir():
        raise InvalidInput(f"--gantt must be in a folder that exists; got {str(file)!r}")


def write(chart: Chart, file: Path) -> None:
    """Draw a chart into a file."""
    expect_picture(file)
    file.write_bytes(WRITERS[file.suffix.lower()](picture_of(chart)))

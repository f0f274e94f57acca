"""Places of everything in a chart on the picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from api.tools.gantt.chart import Block, Chart, ChartTransfer, Deadline
from api.tools.gantt.colours import ALARM, GRID, INK, PALETTE, ROW, SOFT, Colour, mixed, readable_on
from api.tools.gantt.shapes import Picture, Rectangle, Text, fitting, text_width

MARGIN = 16
HEADER = 64
AXIS = 30
LEGEND_ROW = 18
NARROWEST, WIDEST = 900, 4000
TALLEST_BODY = 12_000
"""Pixels; of more machines than fit, rows get thinner, so that a viewer can open the file."""
PIXELS_PER_BLOCK = 18
"""Width that a block should have on the machine that has the most."""
LEGEND_JOBS = len(PALETTE)
"""Beyond that, colours repeat and a legend would say nothing."""
LATEST = 1.3
"""Deadlines later than this many makespans are not drawn: they would squeeze everything else."""
LABEL = 11


def picture_of(chart: Chart) -> Picture:
    """Lay a chart out."""
    layout = _Layout(chart)
    shapes = (
        *layout.header(),
        *layout.rows(),
        *layout.axis(),
        *(shape for one in chart.transfers for shape in layout.transfer(one)),
        *(shape for one in chart.blocks for shape in layout.block(one)),
        *(shape for one in chart.deadlines for shape in layout.deadline(one)),
        *layout.legend(),
    )
    height = round(layout.bottom + AXIS + layout.legend_rows * LEGEND_ROW + MARGIN)
    return Picture(width=layout.width, height=height, title=chart.title, shapes=shapes)


def ticks(end: float, most: int) -> list[str]:
    """Round times from 0 to `end`, at most so many, in steps of 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> ticks(127, 8)
    ['0', '20', '40', '60', '80', '100', '120']
    >>> ticks(0.7, 3)
    ['0.0', '0.5']
    """
    rough = end / max(most - 1, 1)
    exponent = math.floor(math.log10(rough))
    factors = (1, 2, 5, 10)
    factor = next(f for f in factors if f * 10.0**exponent >= rough * (1 - 1e-9))
    step = factor * 10.0**exponent
    decimals = max(0, -exponent - (factor == 10))
    return [f"{index * step:.{decimals}f}" for index in range(int(end / step * (1 + 1e-9)) + 1)]


@dataclass(frozen=True)
class _Layout:
    chart: Chart

    @cached_property
    def row_height(self) -> float:
        """From 26 pixels for few machines to a fraction of one for thousands."""
        count = max(len(self.chart.rows), 1)
        return min(26.0, max(8.0, 900 / count), TALLEST_BODY / count)

    @cached_property
    def gap(self) -> float:
        """White space between rows, where transfers are drawn."""
        return 5.0 if self.row_height >= 16 else self.row_height * 0.25

    @cached_property
    def left(self) -> float:
        """The origin of time: right of the names of the machines."""
        longest = max((text_width(name, LABEL) for name in self.chart.rows), default=0)
        return MARGIN + min(longest, 180) + 8

    @cached_property
    def width(self) -> int:
        """Of the picture: wide enough for the busiest machine, within reason."""
        counts = [0] * (len(self.chart.rows) + 1)
        for block in self.chart.blocks:
            counts[block.row] += 1
        wanted = self.left + max(counts) * PIXELS_PER_BLOCK + 2 * MARGIN
        return round(min(max(wanted, NARROWEST), WIDEST))

    @cached_property
    def until(self) -> float:
        """Last time that is drawn."""
        end = self.chart.end or 1.0
        return max([end, *(d.at for d in self.chart.deadlines if d.at <= end * LATEST)])

    @cached_property
    def bottom(self) -> float:
        """Below the last row."""
        return HEADER + self.row_height * len(self.chart.rows)

    @cached_property
    def jobs(self) -> dict[str, int]:
        """Number of each job."""
        return {job: index for index, job in enumerate(self.chart.jobs)}

    @cached_property
    def legend_columns(self) -> int:
        longest = max((len(job) for job in self.jobs), default=0)
        room = self.width - 2 * MARGIN
        return max(1, int(room / (text_width("x" * min(longest, 24), LABEL) + 26)))

    @cached_property
    def legend_rows(self) -> int:
        jobs = len(self.jobs) if len(self.jobs) <= LEGEND_JOBS else 0
        return math.ceil(jobs / self.legend_columns)

    def x(self, time: float) -> float:
        """Horizontal place of a time."""
        return self.left + time / self.until * (self.width - MARGIN - self.left)

    def y(self, row: int) -> float:
        """Top of a row."""
        return HEADER + row * self.row_height

    def colour(self, job: str) -> Colour:
        """Colour of a job."""
        return PALETTE[self.jobs.get(job, 0) % len(PALETTE)]

    def header(self) -> Iterator[Text]:
        """Title and notes."""
        room = self.width - 2 * MARGIN
        title = fitting(self.chart.title, 16, room)
        yield Text(x=MARGIN, y=22, text=title, size=16, fill=INK, bold=True)
        yield Text(x=MARGIN, y=44, text=fitting(self.chart.notes, 12, room), size=12, fill=SOFT)

    def rows(self) -> Iterator[Rectangle | Text]:
        """Machines, every other row on grey."""
        # Names keep their size; where rows are lower, only every so many are named.
        every = max(1, math.ceil((LABEL + 2) / self.row_height))
        for row, name in enumerate(self.chart.rows):
            y = self.y(row)
            if row % 2 == 0:
                room = self.width - 2 * MARGIN
                yield Rectangle(x=MARGIN, y=y, width=room, height=self.row_height, fill=ROW)
            if row % every == 0:
                text = fitting(name, LABEL, self.left - MARGIN)
                middle = y + self.row_height / 2
                yield Text(x=self.left - 8, y=middle, text=text, fill=INK, anchor="end", size=LABEL)

    def axis(self) -> Iterator[Rectangle | Text]:
        """Vertical lines at round times."""
        times = ticks(self.until, max(3, round((self.width - self.left) / 90)))
        for time in times:
            x = self.x(float(time))
            length = self.bottom - HEADER + 4
            yield Rectangle(x=x - 0.5, y=HEADER, width=1, height=length, fill=GRID, kind="tick")
            unit = f" {self.chart.unit}" if self.chart.unit and time == times[-1] else ""
            whole, point, decimals = time.partition(".")
            text = f"{int(whole):,}{point}{decimals}{unit}"
            # The last label ends at its line where it would leave the picture otherwise.
            outside = x + text_width(text, LABEL) / 2 > self.width - 4
            anchor: Literal["end", "middle"] = "end" if outside else "middle"
            y = self.bottom + 14
            yield Text(x=x, y=y, text=text, size=LABEL, fill=SOFT, anchor=anchor)

    def block(self, block: Block) -> Iterator[Rectangle | Text]:
        """An operation, its setup before it, and its name if there is room."""
        fill, group = self.colour(block.job), self.jobs[block.job]
        top, height = self.y(block.row) + self.gap / 2, self.row_height - self.gap
        if block.setup:
            x = self.x(block.start - block.setup)
            yield Rectangle(
                x=x,
                y=top + height * 0.35,
                width=self.x(block.start) - x,
                height=height * 0.3,
                fill=mixed(fill, SOFT, 0.5),
                kind="setup",
                group=group,
                tip=f"setup of {block.details}",
            )
        x = self.x(block.start)
        # A run must be seen, however short; and a line stays free between neighbours.
        room = self.x(block.end) - x
        width = max(room - 0.8, room * 0.75, 0.5)
        yield Rectangle(
            x=x,
            y=top,
            width=width,
            height=height,
            fill=fill,
            kind="operation",
            group=group,
            tip=block.details,
        )
        size = min(LABEL, height - 3)
        if size >= 8 and (text := fitting(block.label, size, width - 4)):
            ink = readable_on(fill)
            x, y = x + width / 2, top + height / 2
            yield Text(x=x, y=y, text=text, size=size, fill=ink, anchor="middle")

    def transfer(self, transfer: ChartTransfer) -> Iterator[Rectangle]:
        """Thin line below the blocks of the machine that waits for the data."""
        x = self.x(transfer.start)
        thickness = self.gap * 0.4
        yield Rectangle(
            x=x,
            y=self.y(transfer.row) + self.row_height - self.gap / 2 + self.gap * 0.05,
            width=max(self.x(transfer.end) - x, 0.5),
            height=thickness,
            fill=mixed(self.colour(transfer.job), INK, 0.25),
            kind="transfer",
            group=self.jobs.get(transfer.job),
            tip=transfer.details,
        )

    def deadline(self, deadline: Deadline) -> Iterator[Rectangle]:
        """Tick over the row of the job's last operation, red where it was missed."""
        if deadline.at > self.until:
            return
        yield Rectangle(
            x=self.x(deadline.at) - 1,
            y=self.y(deadline.row),
            width=2,
            height=self.row_height,
            fill=ALARM if deadline.missed else INK,
            kind="deadline",
            group=self.jobs.get(deadline.job),
            tip=deadline.details,
        )

    def legend(self) -> Iterator[Rectangle | Text]:
        """Legend of colours and jobs, if there are as many colours."""
        if not self.legend_rows:
            return
        pitch = (self.width - 2 * MARGIN) / self.legend_columns
        for index, job in enumerate(self.jobs):
            row, column = divmod(index, self.legend_columns)
            x = MARGIN + column * pitch
            y = self.bottom + AXIS + row * LEGEND_ROW
            yield Rectangle(x=x, y=y + 3, width=11, height=11, fill=self.colour(job), kind="key")
            text = fitting(job, LABEL, pitch - 20)
            yield Text(x=x + 17, y=y + 8.5, text=text, size=LABEL, fill=INK)

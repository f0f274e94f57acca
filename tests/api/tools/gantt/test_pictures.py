import io
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest
from PIL import Image

from api.tools.gantt import files
from api.tools.gantt.chart import Block, Chart, ChartTransfer, Deadline
from api.tools.gantt.colours import OKABE_ITO, PALETTE, hexadecimal
from api.tools.gantt.layout import WIDEST, picture_of
from api.tools.gantt.png import png
from api.tools.gantt.svg import NAMESPACE, page, svg
from scheduler.model.errors import InvalidInput


def block(row: int, start: float, end: float, *, job: str = "a", setup: float = 0) -> Block:
    return Block(
        row=row, job=job, label=f"{job}{start}", start=start, end=end, setup=setup, details="<&>"
    )


def chart(*blocks: Block, rows: int = 2, deadlines: tuple[Deadline, ...] = ()) -> Chart:
    return Chart(
        title="a < b & c",
        notes="makespan 10",
        rows=tuple(f"machine {row}" for row in range(rows)),
        blocks=blocks,
        transfers=(ChartTransfer(row=1, job="a", start=4, end=5),),
        deadlines=deadlines,
    )


def of_kind(drawn: str, kind: str) -> list[Tree.Element]:
    rectangles = Tree.fromstring(drawn).iter(f"{{{NAMESPACE}}}rect")
    return [element for element in rectangles if element.get("class") == kind]


def number(element: Tree.Element, name: str) -> float:
    return float(element.get(name, "nan"))


@pytest.mark.parametrize("count", [0, 1, 10, 1000])
def test_the_drawing_is_valid_xml_with_a_bar_per_operation(count: int) -> None:
    blocks = [block(i % 7, i, i + 3, job=f"j{i % 40}") for i in range(count)]
    drawn = svg(picture_of(chart(*blocks, rows=7)))
    assert len(of_kind(drawn, "operation")) == count


def test_bars_lie_where_their_times_are() -> None:
    first, second = of_kind(svg(picture_of(chart(block(0, 0, 4), block(1, 5, 10)))), "operation")
    assert number(second, "y") > number(first, "y")
    # One unit of time is a tenth of the way from 0 to 10.
    tick, *_, last = of_kind(svg(picture_of(chart(block(0, 0, 4), block(1, 5, 10)))), "tick")
    unit = (number(last, "x") - number(tick, "x")) / 10
    assert number(second, "x") - number(first, "x") == pytest.approx(5 * unit, abs=0.02)


def test_setups_and_transfers_are_thinner_than_operations() -> None:
    drawn = svg(picture_of(chart(block(0, 0, 4), block(1, 6, 10, setup=1))))
    (operation, _), (setup,) = of_kind(drawn, "operation"), of_kind(drawn, "setup")
    (transfer,) = of_kind(drawn, "transfer")
    for thin in (setup, transfer):
        assert number(thin, "height") < number(operation, "height") / 2


def test_a_missed_deadline_is_of_another_colour_and_a_distant_one_is_left_out() -> None:
    deadlines = tuple(
        Deadline(row=0, job="a", at=at, missed=missed)
        for at, missed in ((8, True), (10, False), (1000, False))
    )
    drawn = of_kind(svg(picture_of(chart(block(0, 0, 10), deadlines=deadlines))), "deadline")
    assert len({element.get("fill") for element in drawn}) == len(drawn) == 2


def test_what_ran_is_seen_however_short_it_was() -> None:
    drawn = svg(picture_of(chart(block(0, 0, 1_000_000), block(1, 5, 5.001))))
    assert all(number(element, "width") >= 0.5 for element in of_kind(drawn, "operation"))


def test_no_picture_is_wider_than_viewers_can_open() -> None:
    blocks = (block(0, i, i + 1) for i in range(10_000))
    assert picture_of(chart(*blocks)).width == WIDEST


def test_jobs_have_colours_of_their_own_until_the_palette_ends() -> None:
    assert len(set(PALETTE)) == len(PALETTE) == 3 * len(OKABE_ITO)
    blocks = [block(0, i, i + 1, job=f"j{i}") for i in range(len(PALETTE))]
    drawn = svg(picture_of(chart(*blocks)))
    fills = {element.get("fill") for element in of_kind(drawn, "operation")}
    assert fills == {hexadecimal(colour) for colour in PALETTE}
    assert len(of_kind(drawn, "key")) == len(PALETTE)


def test_a_legend_that_would_repeat_colours_is_left_out() -> None:
    blocks = [block(0, i, i + 1, job=f"j{i}") for i in range(len(PALETTE) + 1)]
    assert not of_kind(svg(picture_of(chart(*blocks))), "key")


def test_the_png_opens_and_shows_the_colours_of_the_jobs() -> None:
    drawn = picture_of(chart(block(0, 0, 4), block(1, 5, 10, job="b")))
    image = Image.open(io.BytesIO(png(drawn))).convert("RGB")
    assert image.size == (2 * drawn.width, 2 * drawn.height)
    colours = {colour for _, colour in image.getcolors(1 << 24) or ()}
    assert colours >= set(OKABE_ITO[:2])


def test_the_page_keeps_its_texts_apart_from_its_markup() -> None:
    written = page(picture_of(chart(block(0, 0, 4))))
    assert "<title>a &lt; b &amp; c</title>" in written
    assert 'data-tip="&lt;&amp;&gt;"' in written


@pytest.mark.parametrize(
    ("name", "is_kind"),
    [
        ("plan.svg", lambda data: data.startswith(b"<svg")),
        ("plan.PNG", lambda data: data.startswith(b"\x89PNG")),
        ("plan.html", lambda data: data.startswith(b"<!doctype html>")),
    ],
)
def test_the_name_says_what_is_written(
    tmp_path: Path, name: str, is_kind: Callable[[bytes], bool]
) -> None:
    files.write(chart(block(0, 0, 4)), tmp_path / name)
    assert is_kind((tmp_path / name).read_bytes())


def test_a_name_of_no_kind_of_picture_is_refused_with_the_kinds(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"must end in one of \.svg, \.png, \.html"):
        files.expect_picture(tmp_path / "plan.pdf")

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from devices.functions.registry import find
from scheduler.model.errors import InvalidTensor, InvalidWorkload

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(7)


def run(name: str, inputs: dict[str, Any], **params: Any) -> dict[str, Any]:
    return find(name)(inputs, params)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> Array:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return np.frombuffer(file.getvalue(), np.uint8)


def probability(height: int = 480, width: int = 640) -> Array:
    return np.zeros((1, 1, height, width), np.float32)


def boxes_of(map_: Array, size: tuple[int, int] | None = None, **params: Any) -> list[list[float]]:
    shape = np.array(size or map_.shape[2:], np.int64)
    found: list[list[float]] = run("threshold_boxes", {"map": map_, "size": shape}, **params)[
        "boxes"
    ].tolist()
    return found


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_an_image_of_any_mode_becomes_rgb(mode: str) -> None:
    given = run("decode_image", {"data": encoded(Image.new(mode, (5, 3)))})
    assert given["image"].shape == (3, 5, 3)
    assert given["size"].tolist() == [3, 5]


def test_an_image_is_turned_as_its_metadata_says() -> None:
    image = Image.new("RGB", (5, 3))
    exif = image.getexif()
    exif[0x0112] = 6  # orientation: a quarter turn
    given = run("decode_image", {"data": encoded(image, "JPEG", exif=exif)})
    assert given["image"].shape == (5, 3, 3)


@pytest.mark.parametrize("length", [0, 4, 60])
def test_bytes_that_are_no_image_are_refused(length: int) -> None:
    data = encoded(Image.new("RGB", (50, 50)))[:length]
    with pytest.raises(InvalidTensor, match="data must be an image"):
        run("decode_image", {"data": data})


@pytest.mark.parametrize(
    ("params", "shape"),
    [
        ({}, (20, 40)),
        ({"height": 10}, (10, 40)),
        ({"fit": "pad", "height": 64, "width": 64}, (64, 64)),
        ({"fit": "line", "height": 48, "width": 320}, (48, 320)),
        ({"fit": "multiple", "multiple": 32}, (32, 32)),
        ({"fit": "multiple", "multiple": 8, "longest": 24}, (16, 24)),
    ],
)
def test_pixels_are_fitted_as_asked(params: dict[str, Any], shape: tuple[int, int]) -> None:
    image = RNG.integers(0, 255, (20, 40, 3), np.uint8)
    tensor = run("resize_normalise", {"image": image}, **params)["tensor"]
    assert tensor.shape == (1, 3, *shape)


def test_what_is_added_to_keep_the_ratio_is_zero() -> None:
    image = np.full((20, 40, 3), 255, np.uint8)
    line = run("resize_normalise", {"image": image}, fit="line", height=48, width=320)["tensor"]
    assert (line[..., :96] == 1).all()
    assert (line[..., 96:] == 0).all()


def test_mean_and_deviation_are_in_the_order_of_the_channels() -> None:
    image = np.array([[[0, 51, 255]]], np.uint8)
    params = {"mean": [0.0, 0.1, 0.2], "std": [1.0, 1.0, 2.0], "channels": "bgr"}
    tensor = run("resize_normalise", {"image": image}, **params)["tensor"]
    assert np.allclose(tensor.ravel(), [1.0, 0.1, -0.1], atol=1e-6)


def test_a_deviation_of_zero_is_refused() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(InvalidWorkload, match=r"params.std must be >= 1e-06; got 0"):
        run("resize_normalise", {"image": image}, std=[1, 0, 1])


def test_regions_become_boxes_in_reading_order_grown_as_they_were_shrunk() -> None:
    map_ = probability()
    # Rows and columns of: a second line, then the right and the left part of a first line.
    for top, bottom, left, right in ((100, 119, 50, 149), (13, 32, 300, 399), (10, 29, 20, 119)):
        map_[0, 0, top:bottom, left:right] = 0.9
    # 20 x 100 cells after dilation, grown by 1.6 * 2000 / 240 = 13.33 on each side.
    found = boxes_of(map_)
    assert np.allclose([box[0] for box in found], [20 - 40 / 3, 300 - 40 / 3, 50 - 40 / 3])
    assert np.allclose(found[2], [36.667, 86.667, 163.333, 133.333], atol=1e-3)


def test_boxes_are_in_pixels_of_the_image_and_within_it() -> None:
    map_ = probability(240, 320)
    map_[0, 0, :20, 100:200] = 0.9
    ((left, top, right, bottom),) = boxes_of(map_, (480, 640), unclip=0)
    assert (left, top, right, bottom) == (200, 0, 402, 42)


def test_small_and_unlikely_regions_are_dropped() -> None:
    map_ = probability()
    map_[0, 0, 10, 10] = 0.9  # two cells wide after dilation
    map_[0, 0, 50:70, 50:150] = 0.4
    assert boxes_of(map_) == []
    assert len(boxes_of(map_, box_threshold=0.3)) == 1
    assert len(boxes_of(map_, smallest=1, box_threshold=0)) == 2


@pytest.mark.parametrize(("height", "width"), [(1, 1), (40, 60), (33, 7)])
def test_regions_are_those_that_a_flood_finds(height: int, width: int) -> None:
    for _ in range(20):
        map_ = (RNG.random((1, 1, height, width)) < 0.2).astype(np.float32)
        boxes = boxes_of(map_, smallest=1, box_threshold=0, unclip=0)
        assert sorted(boxes) == sorted(flooded(map_[0, 0] > 0.3))


def flooded(mask: Array) -> list[list[float]]:
    """Bounds of the 8-connected regions of a dilated mask, cell by cell."""
    grown = np.zeros_like(mask)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        grown[down:, right:] |= mask[: mask.shape[0] - down, : mask.shape[1] - right]
    left_over = {(int(row), int(column)) for row, column in np.argwhere(grown)}
    boxes = []
    while left_over:
        region, edge = [], [left_over.pop()]
        while edge:
            row, column = edge.pop()
            region.append((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left_over
            left_over -= near
            edge += near
        rows, columns = zip(*region, strict=True)
        boxes.append([float(min(columns)), float(min(rows)), max(columns) + 1.0, max(rows) + 1.0])
    return boxes


def test_crops_are_cut_at_the_borders_and_never_empty() -> None:
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    boxes = np.array([[1, 1, 3, 2], [-9, -9, 99, 99], [5.5, 3.5, 5.5, 3.5]], np.float32)
    crops = run("crop", {"image": image, "boxes": boxes})["crops"]
    assert [crop.shape for crop in crops] == [(1, 2, 3), (4, 6, 3), (1, 1, 3)]
    assert (crops[0] == image[1:2, 1:3]).all()
    assert run("crop", {"image": image, "boxes": boxes[:0]})["crops"] == []


@pytest.mark.parametrize(("certainty", "turns"), [(0.95, True), (0.9, False), (0.1, False)])
def test_an_image_is_turned_if_the_classifier_is_sure(certainty: float, turns: bool) -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    scores = np.array([[1 - certainty, certainty]], np.float32)
    given = run("rotate_if", {"image": image, "scores": scores})["image"]
    assert (given == (image[::-1, ::-1] if turns else image)).all()


def test_repeats_are_merged_unless_a_blank_is_between_them() -> None:
    best = [0, 1, 1, 0, 1, 2, 2, 0]
    scores = np.full((1, len(best), 3), 0.1, np.float32)
    scores[0, np.arange(len(best)), best] = 0.8
    given = run("ctc_decode", {"scores": scores}, charset="ab")
    assert given["text"].tolist() == ["aab"]
    assert np.isclose(given["score"], 0.8)


def test_a_charset_of_another_size_is_refused() -> None:
    with pytest.raises(InvalidTensor, match="charset must have 2 characters; got 3"):
        run("ctc_decode", {"scores": np.zeros((1, 4, 3), np.float32)}, charset=["a", "b", "c"])


def test_nothing_recognised_is_an_empty_text() -> None:
    scores = np.zeros((1, 4, 3), np.float32)
    given = run("ctc_decode", {"scores": scores}, charset="ab")
    assert (given["text"].tolist(), given["score"].tolist()) == ([""], [0.0])


def test_texts_are_joined_in_order() -> None:
    texts = [np.array([text], dtype=object) for text in (" b ", "", "a")]
    assert run("gather_text", {"texts": texts})["text"].tolist() == ["b", "", "a"]
    dropped = run("gather_text", {"texts": texts}, strip=False, drop_empty=True)
    assert dropped["text"].tolist() == [" b ", "a"]
    assert run("gather_text", {"texts": []})["text"].shape == (0,)


def test_ranking_gives_the_first_of_equals() -> None:
    scores = np.array([[1, 3, 3, 2]], np.float32)
    best = run("arg_max", {"scores": scores})
    assert (best["indices"].tolist(), best["scores"].tolist()) == ([1], [3])
    top = run("top_k", {"scores": scores}, k=3)
    assert (top["indices"].tolist(), top["scores"].tolist()) == ([[1, 2, 3]], [[3, 3, 2]])


@pytest.mark.parametrize("params", [{"k": 5}, {"axis": 2}, {"k": 0}])
def test_ranking_what_is_not_there_is_refused(params: dict[str, int]) -> None:
    with pytest.raises((InvalidTensor, InvalidWorkload)):
        run("top_k", {"scores": np.zeros((1, 4), np.float32)}, **params)


@pytest.mark.parametrize(
    ("source", "shape", "layout", "made"),
    [
        ("HWC", (2, 4, 3), "NCHW", (1, 3, 2, 4)),
        ("HWC", (2, 4, 3), "NHWC", (1, 2, 4, 3)),
        ("NHWC", (5, 2, 4, 3), "NCHW", (5, 3, 2, 4)),
        ("NCHW", (1, 3, 2, 4), "HWC", (2, 4, 3)),
    ],
)
def test_picture_is_turned_to_the_layout_that_a_model_wants(
    source: str, shape: tuple[int, ...], layout: str, made: tuple[int, ...]
) -> None:
    image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    given = run("to_layout", {"image": image}, source=source, layout=layout)["tensor"]
    back = run("to_layout", {"image": given}, source=layout, layout=source, dtype="uint8")
    assert (given.shape, given.dtype) == (made, np.float32)
    assert (back["tensor"] == image).all()


def test_picture_is_scaled_shifted_and_cast() -> None:
    image = np.array([[[0, 128, 255]]], np.uint8)
    settings = {"layout": "HWC", "dtype": "int8", "shift": -128}
    given = run("to_layout", {"image": image}, **settings)["tensor"]
    assert (given.dtype, given.tolist()) == (np.int8, [[[-128, 0, 127]]])


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((4, 4), {}, "must have the 3 axes HWC; got 2"),
        ((2, 4, 4, 3), {"source": "NHWC", "layout": "CHW"}, "must be a batch of one"),
        ((4, 4, 3), {"dtype": "int8", "scale": 200}, "must be from -128 to 127 for int8"),
    ],
)
def test_picture_that_does_not_fit_a_layout_is_refused(
    shape: tuple[int, ...], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidTensor, match=message):
        run("to_layout", {"image": np.ones(shape, np.uint8)}, **settings)

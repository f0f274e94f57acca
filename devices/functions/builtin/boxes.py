"""From a map of probabilities to boxes around what it shows."""

from __future__ import annotations

import numpy as np

from devices.functions.builtin.images import BOXES
from fjord import Array, Param, ParamKind, TensorType, function


@function(
    name="threshold_boxes",
    inputs={
        "map": TensorType("float32", (1, 1, "height", "width")),
        "size": TensorType("int64", (2,)),
    },
    outputs={"boxes": BOXES, "scores": TensorType("float32", ("boxes",))},
    params={
        "threshold": Param(kind=ParamKind.NUMBER, default=0.3, minimum=0, maximum=1),
        "box_threshold": Param(kind=ParamKind.NUMBER, default=0.5, minimum=0, maximum=1),
        "unclip": Param(kind=ParamKind.NUMBER, default=1.6, minimum=0, maximum=10),
        "smallest": Param(kind=ParamKind.INTEGER, default=3, minimum=1),
        "most": Param(kind=ParamKind.INTEGER, default=1000, minimum=1),
    },
    expected_us=4_000,
)
def threshold_boxes(
    map: Array,  # the name of the input
    size: Array,
    *,
    threshold: float,
    box_threshold: float,
    unclip: float,
    smallest: int,
    most: int,
) -> dict[str, Array]:
    """Boxes (left, top, right, bottom) around connected regions, in pixels of the image.

    `size` is (height, width) of the image. Regions narrower than `smallest` cells or with a mean
    probability below `box_threshold` are dropped. In reading order: by line, then to the right.

    References
    ----------
    Liao et al. (2020), doi:10.1609/aaai.v34i07.6812: a region is shrunk text, and grows by
    ``unclip * area / perimeter``. Ours are upright rectangles instead of polygons.
    """
    probabilities = map[0, 0]
    boxes, scores = _regions(probabilities, threshold)
    sides = boxes[:, 2:] - boxes[:, :2]
    kept = (sides.min(axis=1) >= smallest) & (scores >= box_threshold)
    boxes, scores, sides = boxes[kept], scores[kept], sides[kept]
    grow = (sides.prod(axis=1) * unclip / (2 * sides.sum(axis=1)))[:, None]
    grown = np.hstack([boxes[:, :2] - grow, boxes[:, 2:] + grow])
    height, width = (int(side) for side in size)
    scale = np.array([width, height] * 2) / np.array([*probabilities.shape[::-1]] * 2)
    scaled = (grown * scale).clip(0, [width, height] * 2)
    order = np.argsort(-scores, kind="stable")[:most]
    order = order[_reading_order(scaled[order])]
    return {"boxes": scaled[order].astype(np.float32), "scores": scores[order].astype(np.float32)}


def _regions(probabilities: Array, threshold: float) -> tuple[Array, Array]:
    """Bounds in cells and mean probability of each 8-connected region above the threshold."""
    mask = probabilities > threshold
    # Dilated by one cell right and down, as the detectors that we know were tuned with.
    mask[:, 1:] |= mask[:, :-1].copy()
    mask[1:] |= mask[:-1].copy()
    rows, starts, ends = _runs(mask)
    if not len(rows):
        return np.empty((0, 4)), np.empty(0)
    _, label = np.unique(_joined(rows, starts, ends, mask.shape[1]), return_inverse=True)
    return _bounds(label, rows, starts, ends), _means(label, rows, starts, ends, probabilities)


def _runs(mask: Array) -> tuple[Array, Array, Array]:
    """Horizontal runs of set cells: row, first column and one past the last, in reading order."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    flips = np.flatnonzero(np.diff(padded.ravel()))
    starts, ends = flips[::2], flips[1::2]
    return starts // (width + 2), starts % (width + 2), ends - starts // (width + 2) * (width + 2)


def _joined(rows: Array, starts: Array, ends: Array, width: int) -> Array:
    """A label per run, equal for runs that touch, also at a corner.

    Runs of one row are in order, so those of the next row that a run touches are neighbours of
    each other and two binary searches find them all.
    """
    pitch = width + 2
    below = (rows + 1) * pitch
    first = np.searchsorted(rows * pitch + ends, below + starts, side="left")
    last = np.searchsorted(rows * pitch + starts, below + ends, side="right")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    offsets = np.arange(len(upper)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _components(len(rows), upper, np.repeat(first, counts) + offsets)


def _components(count: int, left: Array, right: Array) -> Array:
    """Smallest member of each node's component: hook roots together, then shorten the paths."""
    root = np.arange(count)
    while True:
        low = np.minimum(root[left], root[right])
        high = np.maximum(root[left], root[right])
        if np.array_equal(low, high):
            return root
        np.minimum.at(root, high, low)
        while not np.array_equal(root, root[root]):
            root = root[root]


def _bounds(label: Array, rows: Array, starts: Array, ends: Array) -> Array:
    count = int(label.max()) + 1
    low = np.full((count, 2), np.iinfo(np.int64).max)
    high = np.zeros((count, 2), dtype=np.int64)
    np.minimum.at(low, label, np.column_stack([starts, rows]))
    np.maximum.at(high, label, np.column_stack([ends, rows + 1]))
    return np.hstack([low, high]).astype(np.float64)


def _means(label: Array, rows: Array, starts: Array, ends: Array, probabilities: Array) -> Array:
    width = probabilities.shape[1]
    sums = np.concatenate([[0.0], np.cumsum(probabilities, dtype=np.float64)])
    inside = sums[rows * width + ends] - sums[rows * width + starts]
    means: Array = np.bincount(label, inside) / np.bincount(label, ends - starts)
    return means


def _reading_order(boxes: Array) -> list[int]:
    """By line, then left to right. A box is of a line if its middle is beside the line's first."""
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    lines: list[list[int]] = []
    for index in np.argsort(boxes[:, 1], kind="stable").tolist():
        if lines and middles[index] < boxes[lines[-1][0], 3]:
            lines[-1].append(index)
        else:
            lines.append([index])
    return [index for line in lines for index in sorted(line, key=lambda i: boxes[i, 0])]

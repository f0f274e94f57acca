"""The models that are measured: those of installed packages, parts of them, and made ones."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import onnx

from api.tools.collecting import light, made
from api.tools.collecting.kernels import kernel
from cost_models.profiles.measurement import KERNELS
from devices.models import bind_shapes, infer_shapes, read_model
from devices.models.partitions.points import cut, cut_points
from devices.runtime.errors import ProviderRefused
from devices.runtime.static import pinned_copy
from scheduler.model.errors import FjordError

Shapes = dict[str, tuple[int, ...]]
MADE = 60
"""Graphs to make: they spread over sizes and kinds of operators that no package has."""
_PARTS = 3
_INDEX = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A model or a part of one, with the shapes of its inputs.

    Parameters
    ----------
    family
        Network that it comes from; parts have that of the whole.
    """

    path: str
    digest: str
    family: str
    variant: str
    shapes: Shapes
    batch: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packaged:
    package: str
    file: str
    family: str
    shapes: tuple[Shapes, ...]
    variant: str = "fp32"


def _images(name: str, *sizes: tuple[int, int, int]) -> tuple[Shapes, ...]:
    return tuple({name: (batch, 3, height, width)} for batch, height, width in sizes)


def _vad(batch: int) -> Shapes:
    return {"input": (batch, 576), "state": (2, batch, 128)}


_CLASSIFIER = _images("x", (1, 48, 192), (2, 48, 192), (6, 48, 192))
_LINES = _images("x", (1, 48, 160), (1, 48, 320), (2, 48, 320), (4, 48, 160))
_WIDTHS: tuple[Shapes, ...] = tuple({"input1": (1, 1, 64, width)} for width in (96, 160, 320))
_PACKAGED = (
    _Packaged(
        package="rapidocr_onnxruntime",
        file="models/ch_PP-OCRv4_det_infer.onnx",
        family="ppocr4_det",
        shapes=_images("x", (1, 320, 320), (1, 480, 640), (2, 256, 256), (1, 192, 192)),
    ),
    _Packaged(
        package="rapidocr_onnxruntime",
        file="models/ch_PP-OCRv4_rec_infer.onnx",
        family="ppocr4_rec",
        shapes=_LINES,
    ),
    _Packaged(
        package="rapidocr_onnxruntime",
        file="models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        family="ppocr_cls",
        shapes=_CLASSIFIER,
    ),
    _Packaged(
        package="rapidocr",
        file="models/PP-OCRv6_det_small.onnx",
        family="ppocr6_det",
        shapes=_images("x", (1, 160, 160), (1, 256, 256), (1, 320, 320)),
    ),
    _Packaged(
        package="rapidocr",
        file="models/PP-OCRv6_rec_small.onnx",
        family="ppocr6_rec",
        shapes=_LINES,
    ),
    _Packaged(package="ddddocr", file="common.onnx", family="ddddocr_common", shapes=_WIDTHS),
    _Packaged(
        package="ddddocr",
        file="common_old.onnx",
        family="ddddocr_common_old",
        shapes=_WIDTHS,
        variant="int8",
    ),
    _Packaged(
        package="ddddocr",
        file="common_det.onnx",
        family="ddddocr_det",
        shapes=_images("images", (1, 416, 416)),
    ),
    _Packaged(
        package="magika",
        file="models/standard_v3_3/model.onnx",
        family="magika",
        shapes=tuple({"bytes": (batch, 2048)} for batch in (1, 2, 4, 8)),
    ),
    _Packaged(
        package="silero_vad",
        file="data/silero_vad_half.onnx",
        family="silero_vad",
        shapes=(_vad(1), _vad(4)),
    ),
    _Packaged(
        package="silero_vad",
        file="data/silero_vad_16k_sequence.onnx",
        family="silero_vad",
        shapes=tuple(
            {"input": (steps, 576), "h": (1, 1, 128), "c": (1, 1, 128)} for steps in (8, 32, 128)
        ),
    ),
)


def corpus(folder: Path, *, globs: Iterable[str] = (), seed: int = 0) -> list[Point]:
    """All points that can be had here; files that have to be made are kept in the folder.

    Parameters
    ----------
    globs
        Further model files, measured at the shapes that `bind_shapes` gives.
    seed
        Of weights, cuts and made graphs.
    """
    index = folder / f"{seed}-{_INDEX}"
    if index.exists():
        made_before = msgspec.json.decode(index.read_bytes(), type=list[Point])
    else:
        folder.mkdir(parents=True, exist_ok=True)
        made_before = list(_all(folder, seed))
        index.write_bytes(msgspec.json.encode(made_before))
    return [point for point in made_before if Path(point.path).exists()] + list(_given(globs))


def kernel_points(folder: Path, first: int, count: int, seed: int) -> list[Point]:
    """So many of the endless row of kernels, as files in the folder."""
    found = []
    for number in range(first, first + count):
        name, model = kernel(number, seed)
        path = folder / f"{name}.onnx"
        onnx.save(model, path)
        found.append(_point(path, KERNELS, "fp32", {}))
    return found


def _all(folder: Path, seed: int) -> Iterator[Point]:
    whole = [*_packaged(), *_lightweight(folder, seed)]
    yield from whole
    chance = random.Random(f"{seed}/cuts")
    for path in dict.fromkeys(point.path for point in whole):
        # Of each file one size is cut: of another size the cuts would be the same.
        point = chance.choice([point for point in whole if point.path == path])
        yield from _parts(point, folder, chance)
    for name, model in made.graphs(MADE, seed):
        path_of = folder / f"{name}.onnx"
        onnx.save(model, path_of)
        yield _point(path_of, f"made_{name.split('-')[0]}", "fp32", {})


def _packaged() -> Iterator[Point]:
    for row in _PACKAGED:
        spec = find_spec(row.package)
        for place in spec.submodule_search_locations or () if spec else ():
            path = Path(place) / row.file
            if path.exists():
                for shapes in row.shapes:
                    yield _point(path, row.family, row.variant, shapes)


def _lightweight(folder: Path, seed: int) -> Iterator[Point]:
    for net in light.NETS:
        path = folder / f"{net.name}.onnx"
        light.write(net, path, seed)
        for shape in net.shapes:
            yield _point(path, net.name, "fp32", {net.input: shape})


def _parts(point: Point, folder: Path, chance: random.Random) -> Iterator[Point]:
    """Pieces of a model at the shapes of a point; none where it cannot be cut."""
    with TemporaryDirectory(prefix="fjord-cut-") as scratch, suppress(FjordError, ProviderRefused):
        model = _static(Path(point.path), point.shapes, Path(scratch))
        points = cut_points(model)
        if len(points) < _PARTS:
            return
        chosen = sorted(chance.sample(range(len(points)), _PARTS - 1))
        for index, part in enumerate(cut(model, [points[i] for i in chosen])):
            path = folder / f"{point.family}-{point.digest[:8]}-part{index}.onnx"
            onnx.save(part, path)
            yield replace(_point(path, point.family, point.variant, {}), batch=point.batch)


def _static(path: Path, shapes: Mapping[str, tuple[int, ...]], scratch: Path) -> onnx.ModelProto:
    copy = pinned_copy(path, bind_shapes(read_model(path), shapes), scratch)
    if copy == path:
        copy = scratch / "copy.onnx"
        copy.write_bytes(path.read_bytes())
        infer_shapes(copy)
    return onnx.load(copy)


def _given(globs: Iterable[str]) -> Iterator[Point]:
    for pattern in globs:
        for path in sorted(Path(pattern).parent.glob(Path(pattern).name)):
            yield _point(path, path.stem, "", {})


def _point(path: Path, family: str, variant: str, shapes: Shapes) -> Point:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    bound = bind_shapes(read_model(path), shapes)
    first = next((shape for shape in bound.values() if shape), (1,))
    return Point(
        path=str(path),
        digest=digest,
        family=family,
        variant=variant,
        shapes=bound,
        batch=max(1, first[0]) if len(first) > 1 else 1,
    )

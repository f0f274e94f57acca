"""Pieces of a model in a row on one core, against the whole.

Whole and pieces run in turn in one process with one thread each, so that a slow minute meets both;
each figure is a median of paired ratios. It holds the lost fusions and the tensors in between, not
the report of an operation, which a service adds for each piece.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean, median
from typing import Any

import onnx

from api.partitioning import Wanted, partition_in_child
from api.tools.demo.ocr import SHAPES, model_files
from benchmarks.conditions import conditions
from devices.catalogue import provider
from devices.models import ModelLimits, read_model
from devices.runtime.inputs import seeded_inputs
from devices.runtime.session import Session, open_session

SEED = 7
ROUNDS = 30
SIZES = (2, 4)
LIGHT = ("squeezenet", "shufflenet", "resnet50", "inception_v1", "densenet121")
Shapes = dict[str, tuple[int, ...]]
Models = Iterator[tuple[str, Path, Shapes]]


def models() -> Models:
    """The three models of the OCR demonstration, and five networks of the package of onnx."""
    for name, path in model_files().items():
        yield name, path, {key: tuple(shape) for key, shape in SHAPES[name].items()}
    # Their weights are all alike, which says nothing of results and changes no time.
    folder = Path(onnx.__file__).parent / "backend/test/data/light"
    for name in LIGHT:
        path = folder / f"light_{name}.onnx"
        (given,) = read_model(path).inputs
        yield name, path, {given.name: (1, 3, 224, 224)}


def ratio(whole: Session, pieces: list[Session], inputs: dict[str, Any]) -> float:
    """Median ratio of a run through the pieces to one of the whole."""

    def chain() -> None:
        values = dict(inputs)
        for session in pieces:
            values |= session.run({t.name: values[t.name] for t in session.inputs})

    ratios = []
    for _ in range(ROUNDS):
        one, all_of_them = timed(lambda: whole.run(inputs)), timed(chain)
        ratios.append(all_of_them / one)
    return median(ratios[2:])


def timed(run: Callable[[], object]) -> float:
    """Time of a run in seconds."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def measured(path: Path, shapes: Shapes, size: int) -> float:
    """The ratio of a model cut into so many pieces."""
    with tempfile.TemporaryDirectory() as folder:
        made = partition_in_child(
            path,
            Wanted(pieces=size),
            folder=Path(folder),
            shapes=shapes,
            examples={},
            limits=ModelLimits(),
        )
        whole = open_session(path, provider("cpu"))
        pieces = [open_session(Path(folder) / each.file, provider("cpu")) for each in made.pieces]
    return ratio(whole, pieces, seeded_inputs(whole.inputs, shapes, SEED))


def main() -> None:
    """Print the ratios."""
    print(f"{conditions([SEED])}, {ROUNDS} rounds")
    found: dict[int, list[float]] = {size: [] for size in SIZES}
    for name, path, shapes in models():
        for size in SIZES:
            found[size].append(measured(path, shapes, size))
        row = "  ".join(f"k={size}: {found[size][-1]:.3f}" for size in SIZES)
        print(f"{name:16} {row}", flush=True)
    for size, ratios in found.items():
        print(f"mean of {len(ratios)} models, k={size}: {fmean(ratios):.3f}")


if __name__ == "__main__":
    main()

"""The OCR pipeline: find the text of an image, cut it out, turn it upright, read every piece.

Its three models come with the package ``rapidocr-onnxruntime`` (the extra ``demo``).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import onnx

from scheduler.model.errors import UnknownName

FILES = {
    "text-detection": "ch_PP-OCRv4_det_infer.onnx",
    "text-orientation": "ch_ppocr_mobile_v2.0_cls_infer.onnx",
    "text-recognition": "ch_PP-OCRv4_rec_infer.onnx",
}
IMAGE_SIZE = (480, 640)
UPRIGHT_SIZE = (48, 192)
LINE_SIZE = (48, 320)
SHAPES = {
    "text-detection": {"x": (1, 3, *IMAGE_SIZE)},
    "text-orientation": {"x": (1, 3, *UPRIGHT_SIZE)},
    "text-recognition": {"x": (1, 3, *LINE_SIZE)},
}
"""Shapes to measure each model with: those that the workload gives it."""


def model_files() -> dict[str, Path]:
    """List the files of the three models by the names that the workload gives them.

    Raises
    ------
    UnknownName
        If the package that ships them is not installed.
    """
    package = find_spec("rapidocr_onnxruntime")
    if package is None or package.origin is None:
        raise UnknownName(
            "package rapidocr-onnxruntime must be installed: pip install 'fjord-scheduler[demo]'"
        )
    folder = Path(package.origin).parent / "models"
    return {name: folder / file for name, file in FILES.items()}


def charset(model: Path) -> str:
    """List the characters that a recogniser knows, in the order of its classes after the blank."""
    properties = {p.key: p.value for p in onnx.load(model).metadata_props}
    return "".join(properties["character"].splitlines()) + " "


def ocr_workload(
    models: Mapping[str, Path], name: str = "ocr", expected_items: int = 4
) -> dict[str, Any]:
    """Describe the workload, as ``POST /v1/workloads`` takes it."""
    each = {"for_each": "crops.crops", "expected_items": expected_items}
    per_line = [*_turning(), *_reading(charset(models["text-recognition"]))]
    return {
        "name": name,
        "inputs": {"image": {"dtype": "uint8", "shape": [-1]}},
        "stages": [
            *_finding(),
            *({**stage, **each} for stage in per_line),
            {"name": "text", "function": "gather_text", "inputs": {"texts": "spell.text"}},
        ],
        "outputs": {"lines": "text.text"},
    }


def _finding() -> list[dict[str, Any]]:
    """Stages from the file of an image to a list of pieces with a line of text each."""
    return [
        {"name": "decode", "function": "decode_image", "inputs": {"data": "image"}},
        _resizing("prepare", "decode.image", "stretch", IMAGE_SIZE),
        {"name": "detect", "model": "text-detection", "inputs": {"x": "prepare.tensor"}},
        {
            "name": "boxes",
            "function": "threshold_boxes",
            "inputs": {"map": "detect.sigmoid_0.tmp_0", "size": "decode.size"},
        },
        {
            "name": "crops",
            "function": "crop",
            "inputs": {"image": "decode.image", "boxes": "boxes.boxes"},
        },
    ]


def _turning() -> list[dict[str, Any]]:
    """Stages that turn a piece upright."""
    return [
        _resizing("upright_input", "crops.crops", "line", UPRIGHT_SIZE),
        {"name": "orient", "model": "text-orientation", "inputs": {"x": "upright_input.tensor"}},
        {
            "name": "turn",
            "function": "rotate_if",
            "inputs": {"image": "crops.crops", "scores": "orient.save_infer_model/scale_0.tmp_1"},
        },
    ]


def _reading(characters: str) -> list[dict[str, Any]]:
    """Stages from an upright piece to its text."""
    return [
        _resizing("line_input", "turn.image", "line", LINE_SIZE),
        {"name": "read", "model": "text-recognition", "inputs": {"x": "line_input.tensor"}},
        {
            "name": "spell",
            "function": "ctc_decode",
            "inputs": {"scores": "read.softmax_11.tmp_0"},
            "params": {"charset": characters},
        },
    ]


def _resizing(name: str, image: str, fit: str, size: tuple[int, int]) -> dict[str, Any]:
    height, width = size
    # The models were trained on images with the channels in that order.
    params = {"fit": fit, "height": height, "width": width, "channels": "bgr"}
    return {
        "name": name,
        "function": "resize_normalise",
        "inputs": {"image": image},
        "params": params,
    }

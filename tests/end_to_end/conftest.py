from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from api.tools.demo.images import render, sample_lines
from api.tools.demo.ocr import SHAPES
from api.tools.demo.prepare import prepare
from api.tools.demo.service import Service
from fjord import Client
from fjord.client.wire import Input

LINES = "text-recognition"


@pytest.fixture(scope="session")
def ocr(service: Service) -> str:
    """Name of the OCR workload; its models are measured on every machine."""
    with Client(service.url) as client:
        return str(prepare(client)["name"])


@pytest.fixture(scope="session")
def reading(service: Service, ocr: str) -> str:
    """Name of a workload of one stage whose time is as long as the batch it is given."""
    with Client(service.url) as client:
        made = client.create_workload(
            {
                "name": "reading",
                "inputs": {"x": {"dtype": "float32", "shape": [-1, *SHAPES[LINES]["x"][1:]]}},
                "stages": [{"name": "read", "model": LINES, "inputs": {"x": "x"}}],
                "outputs": {"scores": "read.softmax_11.tmp_0"},
            }
        )
        return str(made["name"])


@pytest.fixture(scope="session")
def pages() -> list[tuple[list[str], bytes]]:
    """Images with the lines that were drawn into them."""
    return [(lines, render(lines, seed=i)) for i, lines in enumerate(sample_lines(2, seed=11))]


@pytest.fixture(scope="session")
def batch() -> Callable[[int], dict[str, Input]]:
    """Make an input of `reading` with this many lines."""

    def make(size: int) -> dict[str, Input]:
        return {"x": np.zeros((size, *SHAPES[LINES]["x"][1:]), dtype=np.float32)}

    return make


@pytest.fixture(scope="session")
def page_file(
    pages: list[tuple[list[str], bytes]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    file = tmp_path_factory.mktemp("pages") / "page.png"
    file.write_bytes(pages[0][1])
    return file

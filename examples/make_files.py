"""Make the files beside this one that the pages name: a page, a model, a shop and a fleet.

python examples/make_files.py           # writes them anew, beside itself
python examples/make_files.py folder    # or into another folder
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np

from api.tools.demo.images import render

HERE = Path(__file__).parent
PAGE = ("HELLO-FJORD", "ORDER-4711")
SHOP = """3 3
2  2 1 4 2 6  1 3 5
3  1 1 3  2 2 5 3 4  1 1 2
2  2 2 7 3 5  2 1 6 2 4
"""
"""Jobs and machines; then per job its operations, each with pairs of machine and duration."""
OPERATIONS = 2_000


def main(folder: Path) -> list[Path]:
    made = {
        "page.png": render(PAGE, height=220),
        "classifier.onnx": runpy.run_path(str(HERE / "own_model.py"))["classifier"](),
        "shop.fjs": SHOP.encode(),
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return [*(folder / name for name in made), fleet(folder / "fleet.npz")]


def fleet(path: Path) -> Path:
    """Save pairs of operations for 30 machines of three kinds; a tenth runs on one kind only."""
    drawn = np.random.default_rng(0)
    first = np.arange(0, OPERATIONS, 2)
    duration_us = drawn.integers(200, 5_000, (OPERATIONS, 3), dtype=np.int32)
    duration_us[::10, 1:] = 0
    np.savez_compressed(
        path, duration_us=duration_us, machines=[16, 8, 6], source=first, target=first + 1
    )
    return path


if __name__ == "__main__":
    for path in main(Path(sys.argv[1]) if sys.argv[1:] else HERE):
        print(path)

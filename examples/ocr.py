"""Read the text of images on the machines that have joined a running service.

fjord up                                # in another terminal
python examples/ocr.py page.png ...     # without arguments it draws a page of its own
"""

from __future__ import annotations

import sys
from pathlib import Path

from api.tools.demo.images import render, sample_lines
from api.tools.demo.prepare import prepare
from fjord import Client


def main(paths: list[str]) -> list[list[str]]:
    pages = [Path(path).read_bytes() for path in paths] or [render(sample_lines(1)[0])]
    with Client() as client:
        workload = prepare(client)
        # All at once: the service decides what runs where, and in what order.
        runs = [client.submit(workload["name"], {"image": page}) for page in pages]
        return [list(client.wait(run).results()["lines"]) for run in runs]


if __name__ == "__main__":
    for lines in main(sys.argv[1:]):
        print(*lines, sep="\n")

"""The price of one long body of JSON: memory, and the wait of other callers meanwhile.

    python -m benchmarks.json_bodies [--mib 15.9]

A service of its own for each shape of body, asked for `/healthz` all the time. Memory is that of
the service, and that of its children beside it, above their memory before.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import psutil

from benchmarks.conditions import conditions
from benchmarks.sites import Site, site

MIB = 1024 * 1024
ITEMS = {"floats": "0.12345678,", "whole numbers": "1,", "rows of one": "[1],", "empty rows": "[],"}
WORKLOAD = {
    "name": "long",
    "inputs": {"s": {"dtype": "float32"}},
    "stages": [{"name": "a", "function": "arg_max", "inputs": {"scores": "s"}}],
    "outputs": {"i": "a.indices"},
}


class Watch:
    """The most memory, and the longest wait, while the block lasts."""

    def __init__(self, service: Site) -> None:
        self._serving = service.child("api.cli serve")
        self._url = service.url
        self.own_bytes = self.children_bytes = 0
        self.longest_s = 0.0

    @contextmanager
    def on(self) -> Iterator[None]:
        before = self._memory()
        over = threading.Event()
        threads = [
            threading.Thread(target=self._weigh, args=(before, over)),
            threading.Thread(target=self._ask, args=(over,)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _memory(self) -> tuple[int, int]:
        children = 0
        for child in self._serving.children(recursive=True):
            try:
                children += child.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return self._serving.memory_info().rss, children

    def _weigh(self, before: tuple[int, int], over: threading.Event) -> None:
        while not over.wait(0.01):
            own, children = self._memory()
            self.own_bytes = max(self.own_bytes, own - before[0])
            self.children_bytes = max(self.children_bytes, children - before[1])

    def _ask(self, over: threading.Event) -> None:
        with httpx.Client(base_url=self._url, timeout=120) as client:
            while not over.wait(0.01):
                began_s = time.perf_counter()
                client.get("/healthz")
                self.longest_s = max(self.longest_s, time.perf_counter() - began_s)


def body_of(item: str, size_bytes: int) -> bytes:
    """A submission of that size whose data is one item over and over."""
    head, tail = '{"inputs":{"s":{"dtype":"float32","data":[', "]}}}"
    count = (size_bytes - len(head) - len(tail)) // len(item)
    return (head + (item * count)[:-1] + tail).encode()


def measure(shape: str, size_bytes: int) -> str:
    body = body_of(ITEMS[shape], size_bytes)
    with site() as service:
        httpx.post(f"{service.url}/v1/workloads", json=WORKLOAD).raise_for_status()
        watch = Watch(service)
        with watch.on():
            answer = httpx.post(
                f"{service.url}/v1/workloads/long/runs",
                content=body,
                headers={"content-type": "application/json"},
                timeout=300,
            )
    own, children = watch.own_bytes / len(body), watch.children_bytes / len(body)
    return (
        f"{len(body) / MIB:.1f} MiB of {shape}: {answer.status_code}; the service takes {own:.1f} x"
        f" its length, children {children:.1f} x; /healthz within {1e3 * watch.longest_s:.0f} ms"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=float, default=15.9)
    given = parser.parse_args(arguments)
    print(conditions([]))
    for shape in ITEMS:
        print(measure(shape, int(given.mib * MIB)), flush=True)


if __name__ == "__main__":
    main()

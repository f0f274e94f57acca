"""The slowdown of answers by open live views, against none, in pairs.

    python -m benchmarks.listeners [--listeners 500] [--rounds 6] [--runs 60]

One service of its own with this box's lanes. A *round* is runs one after another with a wait for
each result, once with all views open and once with none; the two take turns in going first. A
process of its own reads the views, so that the service is measured and not its audience.
"""

from __future__ import annotations

import argparse
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import numpy as np

from benchmarks.conditions import conditions
from benchmarks.sites import site
from fjord import Client

ASKED = b"GET /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
CHUNK = 1 << 16
WORKLOAD = {
    "name": "listened",
    "inputs": {"s": {"dtype": "float32", "shape": [1, -1]}},
    "stages": [{"name": "a", "function": "arg_max", "inputs": {"scores": "s"}}],
    "outputs": {"i": "a.indices"},
}


def audience(url: str, count: int) -> None:
    """Open live views, say so, and read them until the standard input ends."""
    parts = urlsplit(url)
    poll = select.epoll()
    views = {}
    for _ in range(count):
        view = socket.create_connection((parts.hostname, parts.port))
        view.sendall(ASKED)
        view.recv(CHUNK)
        view.setblocking(False)
        views[view.fileno()] = view
        poll.register(view, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN | select.EPOLLHUP)
    print("open", flush=True)
    total = 0
    while True:
        for number, _ in poll.poll():
            if number == sys.stdin.fileno():
                print(total, flush=True)
                return
            total += len(views[number].recv(CHUNK))


def read_kib(process: subprocess.Popen[bytes], count: int) -> float:
    """End the audience; KiB that came on each view."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    total = int(process.stdout.readline())
    process.stdout.close()
    process.wait()
    return total / count / 1024


@contextmanager
def listening(url: str, count: int) -> Iterator[None]:
    """Keep this many views open while the block lasts."""
    if not count:
        yield
        return
    command = [sys.executable, "-m", "benchmarks.listeners", "--audience", url, str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        print(f"  each of {count} views got {read_kib(process, count):.0f} KiB")


def answers_ms(fjord: Client, runs: int) -> list[float]:
    """Milliseconds from a submission to its result, one after another."""
    given = {"s": np.ones((1, 100), np.float32)}
    took = []
    for _ in range(runs):
        began_s = time.perf_counter()
        fjord.submit("listened", given, wait_s=30)
        took.append(1e3 * (time.perf_counter() - began_s))
    return took


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--audience", nargs=2, metavar=("URL", "COUNT"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.audience:
        audience(given.audience[0], int(given.audience[1]))
        return
    print(conditions([]))
    with site() as service, Client(service.url) as fjord:
        fjord.create_workload(WORKLOAD)
        answers_ms(fjord, given.runs)
        ratios = []
        for number in range(given.rounds):
            took = {}
            for count in (0, given.listeners)[:: 1 if number % 2 else -1]:
                with listening(service.url, count):
                    took[count] = answers_ms(fjord, given.runs)
            alone, beside = took[0], took[given.listeners]
            ratio = statistics.median(beside) / statistics.median(alone)
            ratios.append(ratio)
            print(
                f"round {number}: median {statistics.median(alone):.1f} ms alone, "
                f"{statistics.median(beside):.1f} ms beside {given.listeners}: {ratio:.2f} x"
            )
        print(f"median of {given.rounds} rounds: {statistics.median(ratios):.2f} x")


if __name__ == "__main__":
    main()

"""Shares of the processor: workers beside another program, and searches beside workers.

    python -m benchmarks.share [--beside CHECKOUT] [--rounds 3] [--seconds 4] [--bursts 6]

Sites of this checkout and of another one stand at the same time and are measured in turn. *Worker*:
processor time of the worker on the first core while pages wait, by wall time, alone and beside a
program of niceness 0 in a session of its own that never rests; *program*: that program's. *Bursts*
of six pages are made with and without better plans in turn; each burst with them counts once, by
the best of its answers: accepted, proven (nothing 2 % better exists), or neither.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Event, Thread

import httpx
import psutil

from api.tools.demo import images, prepare
from benchmarks.conditions import conditions
from benchmarks.sites import START_S, Site, add_beside, checkouts, site
from devices.box.host import usable_cores
from fjord import Client

PAGES = 6
SETTLE_S = 1.0
BURN = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass"
OUTCOMES = ("plans_accepted", "plans_proven_good", "plans_dropped")


@dataclass
class Measured:
    """A site of some checkout, and the figures that were taken on it."""

    name: str
    site: Site
    client: Client
    worker: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    program: list[float] = field(default_factory=list)
    burst_s: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    outcomes: Counter[str] = field(default_factory=Counter)

    def metrics(self) -> dict[str, float]:
        """Its metrics by name, those of events by event."""
        text = httpx.get(f"{self.client.base_url}/metrics", trust_env=False).text
        rows = re.findall(
            r'^(?:fjord_events_total\{event="(\w+)"\}|(fjord_\w+)) (\S+)$', text, re.M
        )
        return {event or name: float(value) for event, name, value in rows}


@contextmanager
def prepared(name: str, checkout: Path) -> Iterator[Measured]:
    """A site of a checkout, with the demonstration's workload, until the block ends."""
    with site(checkout) as found, Client(found.url, timeout_s=START_S) as client:
        prepare.prepare(client)
        yield Measured(name, found, client)


def burst(on: Measured, pages: list[bytes], *, improve: bool) -> None:
    """Submit all pages at once and wait for all; count the outcomes of the searches."""
    on.client.set_policy("heft", improve=improve)
    before, began_s = on.metrics(), time.monotonic()
    for run in [on.client.submit("ocr", {"image": page}) for page in pages]:
        on.client.wait(run, timeout_s=START_S)
    on.burst_s[improve].append(time.monotonic() - began_s)
    if improve:
        time.sleep(SETTLE_S)  # the view with the counters comes once a second
        after = on.metrics()
        rose = [name for name in OUTCOMES if after.get(name, 0) > before.get(name, 0)]
        on.outcomes[rose[0] if rose else "not answered"] += 1


def contend(on: Measured, pages: list[bytes], seconds: float, core: int) -> None:
    """Keep the site busy; take the shares of its first worker, alone and beside a program."""
    stop = Event()
    busy = Thread(target=_keep_busy, args=(on, pages, stop))
    busy.start()
    time.sleep(SETTLE_S)
    worker = on.site.child(f"devices.worker --cores {core} ")
    on.worker[False] += _shares([worker], seconds)
    with _program(core) as program:
        beside, its = _shares([worker, program], seconds)
    on.worker[True].append(beside)
    on.program.append(its)
    stop.set()
    busy.join()


def _keep_busy(on: Measured, pages: list[bytes], stop: Event) -> None:
    with Client(on.client.base_url, timeout_s=START_S) as client:
        runs = [client.submit("ocr", {"image": page}) for page in pages]
        while not stop.is_set():
            client.wait(runs.pop(0), timeout_s=START_S)
            runs.append(client.submit("ocr", {"image": pages[0]}))
        for run in runs:
            client.wait(run, timeout_s=START_S)


@contextmanager
def _program(core: int) -> Iterator[psutil.Process]:
    command = [sys.executable, "-c", BURN, str(core)]
    with subprocess.Popen(command, start_new_session=True) as process:
        yield psutil.Process(process.pid)
        process.kill()


def _shares(processes: list[psutil.Process], seconds: float) -> list[float]:
    """Processor time of each by wall time."""
    began_s, before = time.monotonic(), [sum(each.cpu_times()[:2]) for each in processes]
    time.sleep(seconds)
    took_s = time.monotonic() - began_s
    after = [sum(each.cpu_times()[:2]) for each in processes]
    return [(b - a) / took_s for a, b in zip(before, after, strict=True)]


def report(on: Measured) -> Mapping[str, str]:
    """The figures of a site, each as a ratio or a count."""
    alone, beside = (median(on.worker[which]) for which in (False, True))
    ratios = [a / b for a, b in zip(on.burst_s[True], on.burst_s[False], strict=True)]
    share = on.metrics().get("fjord_solver_cpu_share")
    return {
        "worker alone": f"{alone:.2f}",
        "worker beside / alone": f"{beside / alone:.2f}",
        "program beside worker": f"{median(on.program):.2f}",
        "solver share": "-" if share is None else f"{share:.2f}",
        **{name: str(on.outcomes[name]) for name in (*OUTCOMES, "not answered")},
        "burst with / without plans": f"{median(ratios):.2f}" if ratios else "-",
    }


def main() -> None:
    """Measure in turn, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.share")
    add_beside(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--bursts", type=int, default=6)
    given = parser.parse_args()
    print(conditions([0]), f"load {os.getloadavg()[0]:.0f}, {given.rounds} x {given.seconds:g} s")
    lines = images.sample_lines(PAGES)
    pages = [images.render(line, seed=i) for i, line in enumerate(lines)]
    with ExitStack() as stack:
        both = checkouts(given.beside).items()
        sites = [stack.enter_context(prepared(*each)) for each in both]
        for _ in range(given.rounds):
            for each in sites:
                contend(each, pages, given.seconds, usable_cores()[0])
        for _ in range(given.bursts):
            for each in sites:
                for improve in (True, False):
                    burst(each, pages, improve=improve)
        found = [report(each) for each in sites]
    print("| |", " | ".join(each.name for each in sites), "|")
    print("|---|" + "--:|" * len(found))
    for row in found[0]:
        print(f"| {row} |", " | ".join(each[row] for each in found), "|")


if __name__ == "__main__":
    main()

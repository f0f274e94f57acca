"""The office of the control plane under load, and over a pause of a part of it.

    python -m benchmarks.office [--burners 20] [--seconds 60] [--pause 15] [--runs 200]
        [--beside CHECKOUT]

*Under load*: `--burners` processes of niceness 0 burn both cores while a small run is asked for
again and again; offices that were lost are counted, and answers timed. *Killed*: the service dies
beside the same load, after `--runs` runs. *Pause*: the service, then the store, is stopped
(SIGSTOP) and goes on. The figure of both is the time until a run that is submitted at that moment
is answered. With another checkout the same is done to the code there, in turns.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import redis

from benchmarks.conditions import commit, machine
from benchmarks.sites import Site, add_beside, checkouts, site
from fjord import Client, FjordApiError

BURN = "while True: pass"
ANSWER_S = 120.0
"""A run that is not answered by then counts as that long."""
WORKLOAD = {
    "name": "small",
    "inputs": {"x": {"dtype": "float32", "shape": [1, 4]}},
    "stages": [{"name": "best", "function": "arg_max", "inputs": {"scores": "x"}}],
    "outputs": {"column": "best.indices"},
}


@contextmanager
def answering(checkout: Path) -> Iterator[tuple[Site, Client]]:
    """A site of that checkout that has answered a run of the small workload."""
    with site(checkout) as found, Client(found.url, timeout_s=ANSWER_S, patience_s=0.0) as client:
        client.create_workload(WORKLOAD)
        answer_s(client)
        yield found, client


def answer_s(client: Client) -> float:
    """Seconds until a run that is submitted now is answered; it is submitted again until then."""
    began_s = time.monotonic()
    while (waited_s := time.monotonic() - began_s) < ANSWER_S:
        with contextlib.suppress(FjordApiError):
            run = client.submit("small", {"x": np.zeros((1, 4), dtype=np.float32)})
            if client.wait(run, timeout_s=ANSWER_S - waited_s).state == "finished":
                return time.monotonic() - began_s
        time.sleep(0.01)
    return ANSWER_S


def offices(service: Site) -> int:
    """Offices that were taken so far."""
    folder = service.data_dir / "store"
    password, port = ((folder / name).read_text().strip() for name in ("password", "port"))
    with redis.Redis(port=int(port), password=password) as store:
        return int(store.get(f"fjord:{{{service.name}}}:epoch") or 0)


@contextmanager
def burning(count: int) -> Iterator[None]:
    """Processes that do nothing but burn."""
    burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def under_load(checkout: Path, burners: int, seconds: float) -> str:
    """Offices lost and answers while others burn the box."""
    with answering(checkout) as (service, client):
        before, took = offices(service), []
        with burning(burners):
            end_s = time.monotonic() + seconds
            while time.monotonic() < end_s:
                took.append(answer_s(client))
        lost = offices(service) - before
    took.sort()
    return (
        f"{lost} offices lost, {len(took)} answers, "
        f"median {took[len(took) // 2]:.2f} s, worst {took[-1]:.2f} s"
    )


def killed(checkout: Path, burners: int, runs: int) -> str:
    """Time to the next answer after the service was killed beside a load."""
    with answering(checkout) as (service, client):
        for _ in range(runs):
            answer_s(client)
        before = offices(service)
        with burning(burners):
            service.child("api.cli serve").kill()
            took_s = answer_s(client)
            lost = offices(service) - before - 1
    return f"next answer {took_s:.2f} s later, {lost} more offices lost"


def paused(checkout: Path, words: str, pause_s: float, runs: int) -> str:
    """Time to the next answer after a part of the service was stopped for a while."""
    with answering(checkout) as (service, client):
        for _ in range(runs):
            answer_s(client)
        before, process = offices(service), service.child(words)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            time.sleep(pause_s)
        finally:
            os.kill(process.pid, signal.SIGCONT)
        took_s = answer_s(client)
        return f"next answer {took_s:.2f} s later, {offices(service) - before} offices lost"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--burners", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=200, help="answered before a pause")
    parser.add_argument("--pause", type=float, default=15.0)
    add_beside(parser)
    asked = parser.parse_args()
    print(f"{machine()}, commit {commit()}")
    for name, checkout in checkouts(asked.beside).items():
        for words in ("api.cli serve", "valkey-server"):
            said = paused(checkout, words, asked.pause, asked.runs)
            print(f"{name}: {words} paused for {asked.pause:g} s: {said}", flush=True)
        if asked.burners:
            said = under_load(checkout, asked.burners, asked.seconds)
            print(f"{name}: {asked.burners} burners for {asked.seconds:g} s: {said}", flush=True)
            said = killed(checkout, asked.burners, asked.runs)
            print(f"{name}: service killed beside {asked.burners} burners: {said}", flush=True)


if __name__ == "__main__":
    main()

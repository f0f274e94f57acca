"""Placement by the costs of all layers against placement by moving averages, on a real service.

The OCR pipeline in a batch, beside it a small vision model (critical) and a file classifier (high)
that come at even intervals with deadlines; bursty foreign load on one core. Both oracles learn
from all executions of one service and take turns in being asked; in each round both meet the same
bursts, and they take turns in going first. A deadline is twice the median response of its stream
in the same mix without foreign load, so that nothing is late by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import psutil

from api.tools.demo.images import render, sample_lines
from api.tools.demo.service import Service
from benchmarks.conditions import commit, conditions
from benchmarks.placement import replaying
from benchmarks.placement.rounds import Round, deadlines_of, run_round
from benchmarks.placement.serving import AVERAGE, FULL
from benchmarks.placement.site import add_workloads, choose, running_site
from benchmarks.placement.trace import Trace, alternating
from devices.load_generator import LoadGenerator
from fjord import AsyncClient, Client

LOAD = "bursty"
LOAD_S = 60.0
SLACK = 2.0

Found = dict[str, list[Round]]


async def measure(
    service: Service, *, rounds: int, pages: int, seed: int
) -> tuple[list[Round], dict[str, float], Found]:
    """Calm rounds first, deadlines from them, and then both oracles in turn under load."""
    images = [render(lines, seed=i) for i, lines in enumerate(sample_lines(pages, seed=seed))]
    core = max(psutil.Process().cpu_affinity())
    found: Found = {AVERAGE: [], FULL: []}
    calm: list[Round] = []
    async with AsyncClient(service.url) as client:
        for name in (*found, *found, *found):
            choose(service, name)
            calm.append(await run_round(client, images, {}))
        # In the first round of each, sessions and work are new.
        calm = calm[len(found) :]
        deadlines_ms = deadlines_of(calm, SLACK)
        for number in range(1 + rounds):
            names = list(found) if number % 2 else list(reversed(found))
            for name in names:
                choose(service, name)
                with LoadGenerator(LOAD, (core,), LOAD_S, seed=seed + number):
                    found[name].append(await run_round(client, images, deadlines_ms))
    # In the first of these, loads are new to both.
    return calm, deadlines_ms, {name: each[1:] for name, each in found.items()}


def report(calm: Sequence[Round], deadlines_ms: Mapping[str, float], found: Found) -> Iterator[str]:
    yield f"calm: makespan {median(each.makespan_ms for each in calm):.0f} ms; deadlines " + (
        ", ".join(f"{name} {ms:.1f} ms" for name, ms in deadlines_ms.items())
    )
    others = median(each.others for rounds in found.values() for each in rounds)
    yield f"processes that are not of this benchmark took {others:.2f} cores meanwhile (median)"
    yield f"{'placement by':<16}{'urgent':>8}{'missed':>8}{'share':>8}{'makespan ms (median)':>22}"
    for name, rounds in found.items():
        missed = sum(each.missed(deadlines_ms) for each in rounds)
        urgent = sum(each.urgent for each in rounds)
        makespan = median(each.makespan_ms for each in rounds)
        yield f"{name:<16}{urgent:>8}{missed:>8}{missed / urgent:>8.1%}{makespan:>22.0f}"
    yield "per round, missed share and makespan ms:"
    for name, rounds in found.items():
        said = ", ".join(
            f"{each.missed(deadlines_ms) / each.urgent:.0%} {each.makespan_ms:.0f}"
            for each in rounds
        )
        yield f"  {name:<16}{said}"
    yield _ratios(deadlines_ms, found)


def _ratios(deadlines_ms: Mapping[str, float], found: Found) -> str:
    pairs = list(zip(found[FULL], found[AVERAGE], strict=True))
    makespan = median(full.makespan_ms / average.makespan_ms for full, average in pairs)
    shares = {
        name: sum(each.missed(deadlines_ms) for each in rounds) / sum(e.urgent for e in rounds)
        for name, rounds in found.items()
    }
    misses = shares[FULL] / shares[AVERAGE] if shares[AVERAGE] else float("nan")
    return (
        f"{FULL} over {AVERAGE}: share of missed deadlines {misses:.2f}, "
        f"makespan {makespan:.3f} (median of the pairs)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.placement")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--pages", type=int, default=6)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--simulated", action="store_true", help="replay recorded bursts instead")
    parser.add_argument("--gap-ms", type=int, default=0, help="between pages, if simulated")
    parser.add_argument(
        "--burst-ms", type=int, default=0, help="bursts of that length, if simulated, not recorded"
    )
    asked = parser.parse_args()
    if asked.simulated:
        burst_us = asked.burst_ms * 1000
        found = replaying.compare(
            alternating(burst_us) if burst_us else Trace.read(replaying.BURSTS),
            rounds=asked.rounds,
            pages=asked.pages,
            gap_us=max(100, asked.gap_ms * 1000),
        )
        print(f"commit {commit()}, simulated, {asked.rounds} rounds of {asked.pages} pages,")
        print(f"{asked.gap_ms} ms from one to the next\n")
        print("\n".join(replaying.report(found)))
    else:
        _real(asked)


def _real(asked: argparse.Namespace) -> None:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running_site(Path(folder) / "data") as service,
    ):
        with Client(service.url) as client:
            add_workloads(client)
        found = asyncio.run(
            measure(service, rounds=asked.rounds, pages=asked.pages, seed=asked.seed)
        )
    print(f"{conditions([asked.seed])}\n{asked.rounds} rounds of each in")
    print(f"turn, {asked.pages} pages a round, {LOAD} load on one core, slack {SLACK:g}\n")
    print("\n".join(report(*found)))


if __name__ == "__main__":
    main()

"""``python -m tests.scheduler.fuzz``: ask solvers one question after another, for minutes or hours.

Two processes ask the same questions with different hash seeds, in a build that checks the bounds of
arrays, and must give the same answers. A wrong case is shrunk and written as JSON to
``build/fuzz``. Moved to ``tests/data/fuzz``, it is asked by the tests, with questions near it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.scheduler.fuzz.asking import question
from tests.scheduler.fuzz.cases import Case, write
from tests.scheduler.fuzz.changing import smallest
from tests.scheduler.fuzz.judging import Verdict, judged, solvers_for
from tests.scheduler.fuzz.proofs import SEEDS, SETTINGS, claims, neighbours

FOLDER = Path("build/fuzz")
HASH_SEEDS = ("1", "2")
SHRINKING_S = 120.0
"""Most seconds to shrink a question."""
GRACE_S = 900.0
"""Extra seconds of a process, for its last question and the first compilation."""


def main() -> int:
    options = _options()
    if options.question is not None:
        return _ask_one(options.question)
    if options.proofs is not None:
        return _prove(options.proofs)
    if options.log is not None:
        return _work(options.first, options.minutes, Path(options.log))
    return _watch(options.first, options.minutes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.scheduler.fuzz")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long to ask")
    parser.add_argument("--first", type=int, default=None, help="number of the first question")
    parser.add_argument("--question", type=int, help="ask this one alone, all solvers")
    parser.add_argument("--proofs", type=int, help="ask CP-SAT alone, near that many traps")
    parser.add_argument("--log", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first is None:
        # Another night, other questions.
        options.first = int(time.time()) % 10**6 * 1000
    return options


def _ask_one(number: int) -> int:
    case = question(number)
    verdict = judged(case, solvers_for(number, thorough=True), number)
    for complaint in verdict.complaints:
        print(complaint)
    write(case, FOLDER / f"question_{number}.json", complaints=verdict.complaints)
    print(f"{len(verdict.complaints)} complaints; {FOLDER}/question_{number}.json")
    return bool(verdict.complaints)


def _prove(count: int) -> int:
    wrong = runs = 0
    for number, case in enumerate(neighbours(count)):
        found = list(claims(case))
        bad = [claim for claim in found if claim.is_wrong]
        wrong, runs = wrong + len(bad), runs + len(found)
        for claim in bad:
            print(f"setting {claim.setting}, seed {claim.seed}: {claim.said} for {claim.true}")
            write(case, FOLDER / f"proof_{number}.json")
    print(f"{wrong} wrong of {runs} runs near {count} traps: {SETTINGS} x seeds {SEEDS}")
    return bool(wrong)


def _watch(first: int, minutes: float) -> int:
    """Let two processes work side by side; compare and sum up their answers."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"questions from number {first} on, hash seeds {', '.join(HASH_SEEDS)}", flush=True)
    logs = [FOLDER / f"{first}-{seed}.jsonl" for seed in HASH_SEEDS]
    workers = [_started(first, minutes, *row) for row in zip(HASH_SEEDS, logs, strict=True)]
    ends = [worker.wait(timeout=minutes * 60 + GRACE_S) for worker in workers]
    runs = [_rows(log) for log in logs]
    differ = [n for n in runs[0].keys() & runs[1].keys() if runs[0][n] != runs[1][n]]
    wrong = sorted({n for run in runs for n, row in run.items() if row["complaints"]})
    for log, end, run in zip(logs, ends, runs, strict=True):
        large = sum(row["too_large"] for row in run.values())
        print(f"{log}: {len(run)} questions, {large} too large to enumerate, exit status {end}")
        if end:
            print(f"  ended during question {max(run, default=first - 1) + 1}")
    print(f"{len(wrong)} wrong: {wrong}; {len(differ)} depend on the hash seed: {sorted(differ)}")
    return bool(wrong or differ or any(ends))


def _started(first: int, minutes: float, hash_seed: str, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.scheduler.fuzz"]
    command += ["--first", str(first), "--minutes", str(minutes), "--log", str(log)]
    checked = {"PYTHONHASHSEED": hash_seed, "NUMBA_BOUNDSCHECK": "1", "PYTHONFAULTHANDLER": "1"}
    return subprocess.Popen(command, env={**os.environ, **checked})


def _rows(log: Path) -> dict[int, dict[str, Any]]:
    rows = map(json.loads, log.read_text().splitlines())
    return {row.pop("number"): row for row in rows}


def _work(first: int, minutes: float, log: Path) -> int:
    until_s, number, seen = time.monotonic() + 60 * minutes, first, set[str]()
    with log.open("w", buffering=1) as file:
        while time.monotonic() < until_s:
            case, solvers = question(number), solvers_for(number, thorough=True)
            verdict = judged(case, solvers, number)
            row = {"number": number, "digest": verdict.digest, "too_large": verdict.too_large}
            file.write(json.dumps({**row, "complaints": verdict.complaints}) + "\n")
            kind = _kind(verdict)
            if kind and kind not in seen:
                seen.add(kind)
                _keep(case, solvers, number, kind)
            number += 1
    return 0


def _kind(verdict: Verdict) -> str:
    """The solver at fault and the exception; one question of each kind is shrunk."""
    return ":".join(verdict.complaints[0].split(":")[:2]) if verdict.complaints else ""


def _keep(case: Case, solvers: tuple[str, ...], number: int, kind: str) -> None:
    until_s = time.monotonic() + SHRINKING_S
    culprit = kind.split(":")[0]

    def fails(smaller: Case) -> bool:
        if time.monotonic() > until_s:
            return False
        asked = [name for name in solvers if name == culprit]
        return any(c.startswith(f"{culprit}:") for c in judged(smaller, asked, number).complaints)

    small = smallest(case, fails)
    complaints = judged(small, solvers, number).complaints
    file = FOLDER / f"question_{number}_{os.environ.get('PYTHONHASHSEED', '')}.json"
    write(small, file, complaints=complaints)
    print(f"question {number}: {complaints[:1]}; {file}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

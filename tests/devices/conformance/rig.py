"""Puts one provider through its paces, in a process of its own: ``rig.py PROVIDER FOLDER``.

Prints one JSON line per case as soon as it is known, so that a crash costs only the cases after it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import numpy as np

from devices.catalogue import provider
from devices.runtime.canary import SEED, canary, judge
from devices.runtime.engines.engine import Shapes, Stop
from devices.runtime.errors import ProviderRefused, RunStopped
from devices.runtime.inputs import seeded_inputs
from devices.runtime.profile import profile
from devices.runtime.session import Session, open_session
from scheduler.model.errors import InvalidTensor
from scheduler.model.messages import Profile

Answer = dict[str, Any]
DEADLINE_STEPS = 3000
STEP_S = 0.01


class Rig:
    """The cases, for one provider and one folder of models."""

    def __init__(self, name: str, folder: Path) -> None:
        self.row = provider(name)
        self.folder = folder

    def equals_cpu(self, model: str, shapes: Shapes) -> Profile:
        """Profile a model: its canary compares it with the CPU."""
        path = self.folder / f"{model}.onnx"
        return profile(path, model, self.row, "m", shapes, repeats=5, budget_us=300_000)

    def batches(self) -> list[Answer]:
        """Compare the model of dynamic batch at several batches."""
        path, found = self.folder / "dynamic.onnx", []
        for batch in (1, 3):
            result = canary(path, self.row, shapes={"x": (batch, 64)})
            found.append({"batch": batch, "error": result.error, "verdict": result.verdict})
        return found

    def falls_back(self, model: str, min_coverage: float) -> Answer:
        """Open a model that the provider cannot take, or not as a whole."""
        shapes = {"x": (1, 4)}
        try:
            path = self.folder / f"{model}.onnx"
            session = open_session(path, self.row, shapes=shapes, min_coverage=min_coverage)
        except ProviderRefused as refused:
            return {"verdict": refused.verdict, "reason": refused.reason}
        return {"verdict": "opened", "coverage": session.coverage}

    def stops(self) -> Answer:
        """Stop a run from another thread, and use the session again."""
        session, given = self._deep()
        before = session.run(given)
        ended: list[str] = []
        thread = Thread(target=_run_until_stopped, args=(session, given, ended), daemon=True)
        thread.start()
        heeds = session.terminate()
        for _ in range(DEADLINE_STEPS if heeds else 0):
            session.terminate()
            thread.join(timeout=STEP_S)
            if not thread.is_alive():
                break
        same = judge(before, session.run(given), self.row)
        return {"heeds": heeds, "stopped": bool(ended), "error_after": same.error}

    def stops_before_it_begins(self) -> bool:
        """Set the stop first."""
        session, given = self._deep()
        stop = Stop()
        stop.set()
        try:
            session.run(given, stop=stop)
        except RunStopped:
            return True
        return False

    def refuses_shapes(self) -> str:
        """Give an input of the wrong rank."""
        session, _ = self._deep()
        try:
            session.run({"x": np.zeros(5, dtype=np.float32)})
        except InvalidTensor as error:
            return error.message
        return "accepted"

    def _deep(self) -> tuple[Session, dict[str, np.ndarray[Any, Any]]]:
        session = open_session(self.folder / "deep.onnx", self.row, shapes={"x": (4, 64)})
        return session, seeded_inputs(session.inputs, {"x": (4, 64)}, SEED)


def _run_until_stopped(
    session: Session, given: dict[str, np.ndarray[Any, Any]], ended: list[str]
) -> None:
    try:
        while session.row.terminates:
            session.run(given)
    except RunStopped as stopped:
        ended.append(stopped.message)


def main(name: str, folder: Path) -> None:
    """Run all cases."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # providers print at will
    rig = Rig(name, folder)
    cases: dict[str, Callable[[], Any]] = {
        f"equals_cpu {model}": partial(rig.equals_cpu, model, {"x": x})
        for model, x in msgspec.json.decode((folder / "shapes.json").read_bytes()).items()
    }
    cases |= {
        "batches": rig.batches,
        "alien": lambda: rig.falls_back("alien", 0.0),
        "partly alien": lambda: rig.falls_back("partly_alien", 0.0),
        "partly alien, all wanted": lambda: rig.falls_back("partly_alien", 1.0),
        "stops": rig.stops,
        "stops before it begins": rig.stops_before_it_begins,
        "refuses shapes": rig.refuses_shapes,
    }
    for case, run in cases.items():
        answers.write(msgspec.json.encode({"case": case, "answer": run()}) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

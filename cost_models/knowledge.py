"""Knowledge of an oracle, as a checkpoint holds it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from cost_models.online.causes import Strengths
from cost_models.online.correction import Place, Track
from cost_models.online.drift import Cusum
from cost_models.online.register import Register
from cost_models.online.session_times import SessionTime, SessionTimes
from cost_models.online.tracks import TrackedWork
from scheduler.model.forms import Form
from scheduler.model.messages import MachineReport
from scheduler.model.ports import Drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Knowledge that the predictions of an oracle depend on, apart from the layers that it asks.

    Parameters
    ----------
    digest
        Digest of the learned model among these layers; empty if there is none.
    machines
        Reports that layers were told; they are told again.
    counts
        By digest, the checksum of the counts of a model's graph.
    answers
        Answers of layers about loads, see `Slowdowns`.
    """

    digest: str
    register: Register
    loads: SessionTimes
    machines: dict[str, MachineReport]
    counts: dict[str, str] = field(default_factory=dict)
    answers: dict[tuple[object, ...], float]
    drifts: deque[Drift]
    observations: int


FORMS = (
    Form("knowledge", Knowledge),
    Form(
        "register",
        Register,
        {"is_told": "is_told", "works": "_works", "places": "_places", "machines": "_by_machine"},
    ),
    Form("load_times", SessionTimes, {"stamp": "stamp", "known": "_known"}),
    Form("load_time", SessionTime),
    Form("work", TrackedWork, left_out=("levels", "families", "memo")),
    Form("place", Place),
    Form("track", Track),
    Form("strengths", Strengths),
    Form("cusum", Cusum),
)
"""Beside those of the model, which the state of a brain has too."""

"""Queries, profiles and loads with keyword defaults, for tests of the cost models."""

from __future__ import annotations

from scheduler.model.measuring import IDLE, Kind, Load, Neighbour
from scheduler.model.messages import Profile, Verdict, WorkKind
from scheduler.model.ports import CostQuery, DurationOracle, Prediction

DIGEST = "d" * 64


def query(
    machine: str = "a/cpu0",
    *,
    declared_us: int = 0,
    provider: str = "cpu",
    load: Load = IDLE,
    digest: str = DIGEST,
    shape: tuple[int, ...] = (),
) -> CostQuery:
    return CostQuery(
        kind=WorkKind.MODEL,
        name="det",
        digest=digest,
        variant="",
        machine=machine,
        provider=provider,
        declared_us=declared_us,
        load=load,
        shapes=(("x", shape),) if shape else (),
    )


def profile(
    samples_us: tuple[int, ...],
    verdict: Verdict = Verdict.USABLE,
    *,
    load: Load | None = None,
    shape: tuple[int, ...] = (),
) -> Profile:
    return Profile(
        digest=DIGEST,
        machine="a/cpu0",
        provider="cpu",
        verdict=verdict,
        samples_us=samples_us,
        load_us=70_000,
        peak_bytes=9_000,
        resident_bytes=6_000,
        load=load,
        shapes={"x": shape} if shape else {},
    )


def beside(count: int = 1, kind: Kind = Kind.MEMORY) -> Load:
    return Load(neighbours=(Neighbour(kind=kind, provider="cpu"),) * count)


def predicted(oracle: DurationOracle, asked: CostQuery) -> Prediction:
    (found,) = oracle.predict([asked])
    assert found is not None
    return found

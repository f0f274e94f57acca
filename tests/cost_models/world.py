"""A world with a law that the learner does not know: networks, machines, loads, and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cost_models.features import Kernel
from cost_models.profiles.measurement import Measurement
from scheduler.model.measuring import Kind, Load, Neighbour, Peaks

CLASSES = ("conv", "matmul", "elementwise", "pooling")
BYTES_PER_FLOP = {"conv": 0.02, "matmul": 0.1, "elementwise": 4.0, "pooling": 2.0}


@dataclass(frozen=True, kw_only=True)
class Box:
    """A machine: its peaks, and how far each kind of work stays below them."""

    name: str
    provider: str = "cpu"
    flops_per_s: float = 50e9
    bytes_per_s: float = 10e9
    slowness: tuple[float, ...] = (1.5, 1.2, 2.0, 3.0)

    @property
    def peaks(self) -> Peaks:
        return Peaks(
            provider=self.provider,
            flops_per_s={"float32": self.flops_per_s},
            bytes_per_s=self.bytes_per_s,
            launch_ns=8_000,
            node_ns=1_500,
        )


BOXES = (
    Box(name="a/cpu0"),
    Box(name="b/cpu0", flops_per_s=20e9, bytes_per_s=8e9, slowness=(1.6, 1.3, 2.2, 2.7)),
    Box(name="c/cpu0", flops_per_s=90e9, bytes_per_s=15e9, slowness=(1.4, 1.25, 1.9, 3.2)),
)

REST = Load(run_queue=0.1, frequency=0.9, memory_used=0.3)
LOADS = (
    REST,
    Load(
        run_queue=0.6,
        frequency=0.9,
        memory_used=0.3,
        neighbours=(Neighbour(kind=Kind.MEMORY, provider="cpu"),),
    ),
    Load(run_queue=1.1, frequency=0.9, memory_used=0.3, foreign=0.5, contention=0.4),
)


def graph(rng: np.random.Generator, family: int) -> dict[str, float]:
    """A network: its family decides roughly how it divides, and chance the rest."""
    mix = np.random.default_rng(family).dirichlet((2.0, 1.0, 0.3, 0.3))
    mix = np.abs(mix * rng.normal(1.0, 0.2, 4))
    shares = mix / mix.sum()
    flops = float(np.exp(rng.uniform(np.log(2e7), np.log(2e9))))
    traffic = {name: BYTES_PER_FLOP[name] * shares[i] * flops for i, name in enumerate(CLASSES)}
    total = sum(traffic.values())
    launches = float(rng.integers(20, 120))
    return {
        "flops": flops,
        "read_bytes": total / 2,
        "written_bytes": total / 2,
        "launches": launches,
        "memory_bytes": total,
        **{f"{name}_flops_share": float(shares[i]) for i, name in enumerate(CLASSES)},
        **{f"{name}_bytes_share": traffic[name] / total for name in CLASSES},
    }


def kernels(features: dict[str, float]) -> tuple[Kernel, ...]:
    """Kernels of the network, by class."""
    alike = max(1, int(features["launches"]) // len(CLASSES))
    traffic = features["read_bytes"] + features["written_bytes"]
    return tuple(
        Kernel(
            alike=alike,
            op_class=name,
            op_type=name,
            dtype="float32",
            flops=int(features["flops"] * features[f"{name}_flops_share"] / alike),
            read_bytes=(moved := int(traffic * features[f"{name}_bytes_share"] / alike)) // 2,
            written_bytes=moved // 2,
            near_bytes=0,
            memory_bytes=moved,
        )
        for name in CLASSES
    )


def law_us(box: Box, features: dict[str, float], load: Load) -> float:
    """The hidden truth."""
    flops_us = features["flops"] / box.flops_per_s * 1e6
    traffic_us = (features["read_bytes"] + features["written_bytes"]) / box.bytes_per_s * 1e6
    total = 8.0 + 1.5 * features["launches"]
    for name, slowness in zip(CLASSES, box.slowness, strict=True):
        arithmetic = flops_us * features[f"{name}_flops_share"]
        total += slowness * (arithmetic + 0.3 * traffic_us * features[f"{name}_bytes_share"])
    slowed = 1.0 + 0.35 * len(load.neighbours) + 0.9 * load.contention
    return total * slowed


def roofline_us(box: Box, features: dict[str, float]) -> float:
    """Time of it by a roofline."""
    flops_us = features["flops"] / box.flops_per_s * 1e6
    traffic_us = (features["read_bytes"] + features["written_bytes"]) / box.bytes_per_s * 1e6
    return max(flops_us, traffic_us) + 8.0 + 1.5 * features["launches"]


def row(
    rng: np.random.Generator,
    box: Box,
    family: int,
    *,
    load: Load = REST,
    features: dict[str, float] | None = None,
    at_us: int = 0,
    samples: int = 10,
) -> Measurement:
    """Measure a network: the truth, times noise that is wider under load."""
    features = features or graph(rng, family)
    noise = 0.02 if load is REST else 0.06
    truth = law_us(box, features, load)
    durations = truth * np.exp(rng.normal(0.0, noise, samples))
    return Measurement(
        digest=f"{family}-{features['flops']:.0f}",
        family=f"family{family}",
        graph=features,
        kernels=kernels(features),
        machine=box.name,
        fingerprint=box.name,
        provider=box.provider,
        peaks=box.peaks,
        load=load,
        roofline_us=roofline_us(box, features),
        operator_sum_us=roofline_us(box, features) * 1.5,
        samples_us=tuple(max(1, int(each)) for each in durations),
        at_us=at_us,
    )


def rows(
    *, seed: int = 0, families: range = range(8), each: int = 6, boxes: tuple[Box, ...] = BOXES
) -> list[Measurement]:
    """Networks of all families, on all boxes, beside all loads."""
    rng = np.random.default_rng(seed)
    made: list[Measurement] = []
    for family in families:
        for _ in range(each):
            features = graph(rng, family)
            for box in boxes:
                for load in LOADS:
                    at_us = len(made)
                    made.append(row(rng, box, family, load=load, features=features, at_us=at_us))
    return made

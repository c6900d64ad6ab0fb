"""Measured results as the explorers of attacks take them, without an attack."""

from dataclasses import dataclass

from deployworkbook.formulas.membership import roc_curve
from deployworkbook.formulas.shares import Share


@dataclass(frozen=True)
class Training:
    epsilon: float
    accuracy: Share


@dataclass(frozen=True)
class Copies:
    queries: tuple[int, ...]
    agreements: tuple[Share, ...]


def share(value):
    return Share(round(1000 * value), 1000)


TRAININGS = [Training(1.0, share(0.92)), Training(8.0, share(0.94))]
CURVES = {"LiRA": roc_curve([3.0, 2.0, 1.0], [1.5, 0.5, 0.0])}
COPIES = {
    "none": Copies((100, 1000, 10_000), (share(0.7), share(0.9), share(0.95))),
    "label only": Copies((100, 1000, 10_000), (share(0.6), share(0.8), share(0.9))),
}

"""The divergence explorer: move a single weight, and see how far the prediction moves."""

from __future__ import annotations

import numpy as np

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.distillation import distillation_loss
from deployworkbook.formulas.importance import fisher
from deployworkbook.plots.divergence import DivergenceResult, DivergenceView
from deployworkbook.widgets.controls import Slider
from deployworkbook.widgets.explorer import Explorer

FARTHEST = 4.0
MOVES = np.linspace(-FARTHEST, FARTHEST, 161)


def compute_divergence(*, weight: float, pixel: float, move: float) -> DivergenceResult:
    """Move the only weight of a network with one pixel and two classes.

    The logits are w x and 0, so the first class has the probability 1 / (1 + e^(-w x)).

    Args:
        weight: w.
        pixel: x, in 0 … 1.
        move: Δ.

    >>> result = compute_divergence(weight=0.0, pixel=1.0, move=2.0)
    >>> result.information, float(result.parabola(2.0))  # x² P (1 - P) = ¼, and ½ · ¼ · 2²
    (0.25, 0.5)
    """
    moves = np.append(MOVES, move)
    logits = np.stack([(weight + moves) * pixel, np.zeros_like(moves)], axis=-1)
    own = np.array([weight * pixel, 0.0])
    # At temperature 1 the distillation loss is the KL divergence.
    divergences = distillation_loss(np.broadcast_to(own, logits.shape), logits, temperature=1.0)
    information, _ = fisher([[[weight, 0.0]], [0.0, 0.0]], [[pixel]])
    return DivergenceResult(
        weight=weight,
        pixel=pixel,
        move=move,
        before=softmax(own),
        after=softmax(logits[-1]),
        information=float(information[0, 0]),
        divergence=float(divergences[-1]),
        moves=MOVES,
        divergences=divergences[:-1],
    )


def divergence_explorer() -> Explorer[DivergenceResult]:
    """Make the explorer of one weight's Fisher information."""
    controls = [
        Slider("move", "move of the weight, Δ", -FARTHEST, FARTHEST, 0.1, 1.0),
        Slider("weight", "weight w", -FARTHEST, FARTHEST, 0.1, 1.0),
        Slider("pixel", "pixel x", 0.0, 1.0, 0.05, 1.0),
    ]
    return Explorer(controls, compute_divergence, DivergenceView(FARTHEST))

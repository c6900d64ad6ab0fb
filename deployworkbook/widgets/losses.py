"""The loss explorer: move a classifier's logits, and see how two losses respond."""

from __future__ import annotations

import numpy as np

from deployworkbook.formulas import losses
from deployworkbook.formulas.activations import softmax, softmax_gradient
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.plots.losses import LossResult, LossView
from deployworkbook.widgets.controls import Choice, Slider
from deployworkbook.widgets.explorer import Explorer

CLASSES = ("cat", "dog", "bird")


def compute_losses(true_class: str, **logits: float) -> LossResult:
    """Compare squared error and cross-entropy on one example of three classes.

    Args:
        true_class: One of ``CLASSES``.
        **logits: One logit per class, by its name.

    Returns:
        The probabilities, both losses, and their gradients with respect to the logits.

    >>> round(compute_losses("dog", cat=0.0, dog=0.0, bird=0.0).cross_entropy, 4)
    1.0986
    """
    z = np.array([logits[name] for name in CLASSES])
    target = one_hot([CLASSES.index(true_class)], len(CLASSES))[0]
    probabilities = softmax(z)
    return LossResult(
        classes=CLASSES,
        target=target,
        probabilities=probabilities,
        squared_error=float(losses.mean_squared_error(target, probabilities)),
        cross_entropy=float(losses.categorical_cross_entropy_from_logits(target, z)),
        squared_error_gradient=softmax_gradient(
            z, losses.mean_squared_error_gradient(target, probabilities)
        ),
        cross_entropy_gradient=losses.categorical_cross_entropy_from_logits_gradient(target, z),
    )


def loss_explorer() -> Explorer[LossResult]:
    """Make the explorer of squared error and cross-entropy."""
    # Both losses by the true class's probability, if the other classes share the rest equally.
    shares = np.linspace(0.001, 1.0, 200)
    rest = (1 - shares) / (len(CLASSES) - 1)
    chances = np.stack([shares, *[rest] * (len(CLASSES) - 1)], axis=-1)
    targets = np.broadcast_to(one_hot([0], len(CLASSES)), chances.shape)
    view = LossView(
        shares,
        losses.mean_squared_error(targets, chances),
        losses.categorical_cross_entropy(targets, chances),
    )
    controls = [
        Choice("true_class", "true class", CLASSES, CLASSES[0]),
        *(
            Slider(name, f"logit of {name}", -10.0, 10.0, 0.5, start)
            for name, start in zip(CLASSES, (1.0, 2.0, 0.0), strict=True)
        ),
    ]
    return Explorer(controls, compute_losses, view)

"""The privacy explorer: what noise, batch and epochs promise, and what is left to an attack."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from deployworkbook.formulas.attack_bound import most_true_positives
from deployworkbook.formulas.membership import Roc
from deployworkbook.formulas.privacy_accountant import training_epsilon
from deployworkbook.formulas.shares import Share
from deployworkbook.plots.privacy import FALSE_POSITIVES, PrivacyResult, PrivacyView
from deployworkbook.plots.roc import NOTED
from deployworkbook.validation import check_integer, check_number
from deployworkbook.widgets.controls import LogSlider, Slider, Stops
from deployworkbook.widgets.explorer import Explorer

BATCHES = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
# Weights and biases of the workbook's network: 784 pixels, 128 hidden units, 10 classes.
WEIGHTS = 784 * 128 + 128 + 128 * 10 + 10
FEWEST_EXAMPLES = 100


class PrivateRun(Protocol):
    """A private training that was measured."""

    @property
    def epsilon(self) -> float:
        """ε of the training."""

    @property
    def accuracy(self) -> Share:
        """Accuracy on the test set."""


def compute_privacy(
    *,
    noise_multiplier: float,
    batch_size: int,
    epochs: int,
    examples: int = 54_000,
    delta: float = 1e-5,
) -> PrivacyResult:
    """Compute the ε of a training by DP-SGD, and how large its noise is.

    Args:
        noise_multiplier: σ, the noise's standard deviation divided by the clip norm.
        batch_size: Expected number of images per step, at most ``examples``.
        epochs: Passes over the images.
        examples: Number of training images.
        delta: δ.
    """
    rate = min(1.0, batch_size / examples)
    steps = math.ceil(epochs / rate)
    spent = training_epsilon(noise_multiplier, sampling_rate=rate, steps=steps, delta=delta)
    promise = {"epsilon": spent, "delta": delta}
    return PrivacyResult(
        noise_multiplier=noise_multiplier,
        batch_size=min(batch_size, examples),
        epochs=epochs,
        steps=steps,
        **promise,
        noise_to_signal=noise_multiplier * math.sqrt(WEIGHTS) / (rate * examples),
        found=most_true_positives(FALSE_POSITIVES, **promise),
        found_at_noted=float(most_true_positives(NOTED, **promise)),
    )


def privacy_explorer(
    trainings: Sequence[PrivateRun] = (),
    *,
    examples: int = 54_000,
    delta: float = 1e-5,
    attacks: Mapping[str, Roc] | None = None,
) -> Explorer[PrivacyResult]:
    """Make the privacy explorer.

    Args:
        trainings: Measured private trainings, such as ``train_privately``'s, whose accuracies are
            drawn.
        examples: Number of training images, at least 100.
        delta: δ, in (0, 1); usually below one divided by ``examples``.
        attacks: Curves of measured attacks by name, drawn beside the bound; by default none.

    Raises:
        ValueError: A number is out of range.
    """
    count = check_integer("examples", examples, FEWEST_EXAMPLES)
    chance = check_number("delta", delta, 0, 1, open_low=True, open_high=True)
    batches = tuple(each for each in BATCHES if each <= count)
    # A tenth of the images at most, as in training.
    usual = max(each for each in batches if each <= max(min(1024, count // 10), batches[0]))
    controls = [
        LogSlider("noise_multiplier", "noise σ", 0.4, 20.0, 20, 1.0),
        Stops("batch_size", "images per step", batches, usual),
        Slider("epochs", "epochs", 1, 100, 1, 20),
    ]
    note = (
        f"ε by the accountant, for {count:,} images and δ = {_plain(chance)}; accuracies and "
        "attacks measured. The bound holds for every attack."
    )
    accuracies = {each.epsilon: each.accuracy for each in trainings}
    view = PrivacyView(accuracies, attacks or {}, note)
    return Explorer(controls, partial(compute_privacy, examples=count, delta=chance), view)


def _plain(number: float) -> str:
    """Write a small number without an exponent."""
    return f"{number:.12f}".rstrip("0")

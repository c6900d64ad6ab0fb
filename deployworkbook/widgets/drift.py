"""The drift explorer: change real images, and see which detector notices and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.corruption import blurred, dimmed, inverted, noisy, rotated
from deployworkbook.formulas.drift import (
    bin_counts,
    population_stability_index,
    population_stability_p_value,
    quantile_edges,
)
from deployworkbook.formulas.drift_kernel import (
    mean_discrepancy,
    mean_discrepancy_p_value,
    median_width,
)
from deployworkbook.formulas.drift_tests import (
    chi_squared_distance,
    chi_squared_p_value,
    kolmogorov_smirnov,
    kolmogorov_tail,
)
from deployworkbook.formulas.label_free import (
    average_thresholded_confidence,
    confidence_based_accuracy,
    confidence_based_spread,
    confidence_threshold,
    negative_entropy,
)
from deployworkbook.formulas.perceptron import forward
from deployworkbook.plots.drift import EXAMPLES, DriftResult, DriftView, Finding
from deployworkbook.validation import check_array, check_labels, value_error
from deployworkbook.widgets.controls import Choice, Slider, Stops
from deployworkbook.widgets.explorer import Explorer

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

WINDOWS = (50, 100, 200, 300)
DETECTORS = (
    "PSI of brightness",
    "PSI of confidence",
    "KS of confidence",
    "χ² of predicted classes",
    "MMD of the hidden layer",
)
# The kernel has a number per pair of images: a part of each sample is enough here.
KERNEL_ROWS = 100
PERMUTATIONS = 199


@dataclass(frozen=True)
class Change:
    """A way to change images.

    Args:
        make: Function from images and a strength in 0 … 1 to changed images.
        words: Function from the strength to words.
    """

    make: Callable[[Array, float], Array]
    words: Callable[[float], str]


SWAPPED, FEW_CLASSES = "labels 1 and 7 swapped", "mostly 4 and 9"
CHANGES = {
    "rotated": Change(lambda x, s: rotated(x, 60 * s), lambda s: f"rotated by {60 * s:.0f}°"),
    "blurred": Change(lambda x, s: blurred(x, 3 * s), lambda s: f"blurred by {3 * s:.2g} pixels"),
    "noisy": Change(lambda x, s: noisy(x, 0.6 * s), lambda s: f"with noise of {0.6 * s:.2g}"),
    "dimmed": Change(lambda x, s: dimmed(x, 1 - 0.9 * s), lambda s: f"dimmed to {1 - 0.9 * s:.0%}"),
    "inverted": Change(inverted, lambda s: f"inverted by {s:.0%}"),
    FEW_CLASSES: Change(lambda x, s: x, lambda s: f"{s:.0%} of them only 4 and 9"),
    SWAPPED: Change(lambda x, s: x, lambda s: f"{s:.0%} of the labels 1 and 7 swapped"),
}


@dataclass(frozen=True, eq=False)
class _Answers:
    """What a model says to images: its hidden layer, how sure it is, and the classes."""

    brightness: Array
    hidden: Array
    confidence: Array
    certainty: Array
    classes: Labels


class _Reference:
    """The model, and what was usual at release."""

    def __init__(self, parameters: Sequence[ArrayLike], images: Array, labels: Labels) -> None:
        self.parameters = [check_array("parameters", each) for each in parameters]
        self.answers = self.ask(images)
        correct = self.answers.classes == labels
        self.accuracy = float(correct.mean())
        self.threshold = confidence_threshold(self.answers.certainty, correct)
        self.counts = np.bincount(self.answers.classes, minlength=self.parameters[-1].shape[0])
        self.edges = {
            name: quantile_edges(getattr(self.answers, name))
            for name in ("brightness", "confidence")
        }
        self.hidden = self.answers.hidden[:KERNEL_ROWS]
        self.width = median_width(self.hidden)

    def ask(self, images: Array) -> _Answers:
        *_, hidden, logits = forward(self.parameters, images.reshape(len(images), -1))
        probabilities = softmax(logits)
        return _Answers(
            brightness=images.mean(axis=(1, 2)),
            hidden=hidden,
            confidence=probabilities.max(axis=1),
            certainty=negative_entropy(probabilities),
            classes=probabilities.argmax(axis=1),
        )

    def findings(self, now: _Answers) -> tuple[Finding, ...]:
        known, n = self.answers, len(now.confidence)
        m = len(known.confidence)
        found: list[tuple[float, float]] = []
        for name, edges in self.edges.items():
            counts, usual = (bin_counts(getattr(each, name), edges) for each in (now, known))
            index = population_stability_index(counts, usual)
            p_value = population_stability_p_value(index, n, m, len(usual))
            found.append((float(index), float(p_value)))
        distance = kolmogorov_smirnov(now.confidence, known.confidence)
        scaled = distance * np.sqrt(n * m / (n + m))
        found.append((float(distance), float(kolmogorov_tail(scaled))))
        classes = np.bincount(now.classes, minlength=len(self.counts))
        found.append(
            (
                float(chi_squared_distance(classes, self.counts)),
                float(chi_squared_p_value(classes, self.counts)),
            )
        )
        rows = now.hidden[:KERNEL_ROWS], self.hidden
        found.append(
            (
                mean_discrepancy(*rows, width=self.width),
                mean_discrepancy_p_value(*rows, width=self.width, permutations=PERMUTATIONS),
            )
        )
        return tuple(Finding(name, *each) for name, each in zip(DETECTORS, found, strict=True))


def compute_drift(
    reference: _Reference,
    images: Array,
    labels: Labels,
    *,
    kind: str,
    strength: float,
    window: int,
) -> DriftResult:
    """Change a window of images, and ask the model, the detectors and the estimators.

    Args:
        reference: Model, with its answers at release.
        images: Images in 0 … 1, shape ``[n, 28, 28]``.
        labels: True classes, shape ``[n]``.
        kind: Name of a change, from ``CHANGES``.
        strength: How much of it, in 0 … 1.
        window: Number of images.
    """
    chosen = np.arange(window)
    if kind == FEW_CLASSES:
        few = np.flatnonzero((labels == 4) | (labels == 9))
        count = round(strength * window)
        in_turns = few[np.arange(count) % len(few)]
        chosen = np.concatenate([in_turns, chosen[count:]])
    before, true = images[chosen], labels[chosen]
    if kind == SWAPPED:
        swapped = np.where(true == 1, 7, np.where(true == 7, 1, true))
        # A share of them, spread evenly over the window.
        is_swapped = np.floor(np.arange(1, window + 1) * strength) > np.floor(
            np.arange(window) * strength
        )
        true = np.where(is_swapped, swapped, true)
    change = CHANGES[kind]
    after = change.make(before, strength)
    now = reference.ask(after)
    return DriftResult(
        change=change.words(strength),
        window=window,
        before=before[:EXAMPLES],
        after=after[:EXAMPLES],
        findings=reference.findings(now),
        reference_accuracy=reference.accuracy,
        accuracy=float((now.classes == true).mean()),
        mean_confidence=float(confidence_based_accuracy(now.confidence)),
        thresholded=float(average_thresholded_confidence(now.certainty, reference.threshold)),
        spread=float(confidence_based_spread(now.confidence)),
    )


def drift_explorer(
    parameters: Sequence[ArrayLike],
    reference: tuple[ArrayLike, ArrayLike],
    current: tuple[ArrayLike, ArrayLike],
) -> Explorer[DriftResult]:
    """Make the drift explorer.

    The p-values are of one window that is looked at once; a stream needs other thresholds.

    Args:
        parameters: The model's kernels and biases, W_1, b_1, … W_L, b_L: a network of dense layers
            with ReLU and 10 classes, such as ``model.get_weights()`` of the workbook's.
        reference: Images as at release, in 0 … 1, shape ``[m, 28, 28]``, and their labels; images
            that the model wasn't trained with, at least 200.
        current: Other images, shape ``[n, 28, 28]``, and their labels, at least 300, of all
            classes: those that are changed.

    Raises:
        ValueError: A shape differs, or there are too few images.
    """
    known, known_labels = _images("reference", reference, 200)
    images, labels = _images("current", current, WINDOWS[-1])
    usual = _Reference(parameters, known, known_labels)
    controls = [
        Choice("kind", "change", tuple(CHANGES), "rotated"),
        Slider("strength", "strength", 0.0, 1.0, 0.05, 0.35),
        Stops("window", "window", WINDOWS, 200, unit="images"),
    ]
    compute = partial(compute_drift, usual, images, labels)
    return Explorer(controls, compute, DriftView(DETECTORS))


def _images(name: str, pair: tuple[ArrayLike, ArrayLike], least: int) -> tuple[Array, Labels]:
    images = check_array(f"{name} images", pair[0], ndim=3, shape=(28, 28))
    labels = check_labels(f"{name} labels", pair[1], 10)
    if not len(images) == len(labels) >= least:
        raise value_error(
            name,
            received=f"{len(images)} images and {len(labels)} labels",
            expected=f"the same number of each, at least {least}",
        )
    return images, labels

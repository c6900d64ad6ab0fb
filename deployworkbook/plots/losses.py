"""Losses by probability; two losses of one example and their gradients by logit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.plots.picture import COLOURS, LINES, Picture, styled
from deployworkbook.plots.view import Row, View, set_heights

SQUARED, ENTROPY = COLOURS[2], COLOURS[1]


@styled
def losses_by_probability(
    probabilities: ArrayLike, losses: Mapping[str, ArrayLike], *, highest: float = 5.0
) -> Picture:
    """Draw losses against the probability of the right class.

    Args:
        probabilities: Probabilities in 0 … 1, shape ``[n]``, increasing.
        losses: Losses at each of them by name, shape ``[n]``.
        highest: Largest loss that is drawn.
    """
    shares = np.asarray(probabilities, dtype=float)
    picture = Picture(8, 4.4)
    axes = picture.subplots()
    said = []
    for (name, values), style, colour in zip(losses.items(), LINES, COLOURS[1:], strict=False):
        heights = np.asarray(values, dtype=float) + 0.0  # no negative zeros in the text
        axes.plot(shares, heights, style, color=colour, linewidth=2.5, label=name)
        said.append(
            f"{name}: {heights[0]:.3g} at {shares[0]:.3g}, {heights[-1]:.3g} at {shares[-1]:.3g}"
        )
    axes.set(
        title="How wrong is it?",
        xlabel="probability that the model gives to the right class",
        ylabel="loss",
        xlim=(0, 1),
        ylim=(0, highest),
    )
    axes.legend(loc="upper right")
    picture.alt = f"Losses by the probability of the right class. {'; '.join(said)}."
    return picture


@dataclass(frozen=True, eq=False)
class LossResult:
    """The data of a loss plot.

    Args:
        classes: Names of the classes.
        target: True distribution, shape ``[classes]``.
        probabilities: Predicted distribution.
        squared_error: Mean squared error between them.
        cross_entropy: Cross-entropy between them, in nats.
        squared_error_gradient: Gradient of the mean squared error with respect to the logits.
        cross_entropy_gradient: Gradient of the cross-entropy with respect to the logits.
    """

    classes: tuple[str, ...]
    target: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    squared_error: float
    cross_entropy: float
    squared_error_gradient: NDArray[np.float64]
    cross_entropy_gradient: NDArray[np.float64]

    @property
    def share(self) -> float:
        """Probability of the true class."""
        return float(self.probabilities[self.target.argmax()])


class LossView(View[LossResult]):
    """Bars of probabilities, curves of both losses, bars of their gradients.

    Args:
        shares: Probabilities of the true class, shape ``[n]``.
        squared_errors: Mean squared error at each, if the other classes share the rest equally.
        cross_entropies: Cross-entropy at each.
    """

    @styled
    def __init__(
        self,
        shares: NDArray[np.float64],
        squared_errors: NDArray[np.float64],
        cross_entropies: NDArray[np.float64],
    ) -> None:
        super().__init__(Picture(10, 3.4))
        chances, losses, slopes = self.picture.subplots(1, 3)
        places = np.arange(3)
        chances.set(title="Probabilities (line: the truth)", ylim=(0, 1.02), xlim=(-0.6, 2.6))
        chances.set_xticks(places)
        self._labels = chances
        self._bars = self.bars(chances, places, 0.6, color=COLOURS[6])
        self._target = self.line(chances, "k_", markersize=36, markeredgewidth=3)

        losses.set(title="Loss", xlabel="probability of the true class", ylim=(0, 7))
        losses.plot(shares, cross_entropies, color=ENTROPY, label="cross-entropy (nats)")
        losses.plot(shares, squared_errors, color=SQUARED, ls="--", label="squared error")
        losses.legend(loc="upper right")
        self._entropy = self.line(losses, "o", color=ENTROPY, markersize=9)
        self._squared = self.line(losses, "s", color=SQUARED, markersize=9)

        slopes.set(title="Gradient, by logit", ylim=(-1.05, 1.05), xlim=(-0.6, 2.6))
        slopes.set_xticks(places)
        slopes.axhline(0, color="black", linewidth=0.8)
        self._entropy_bars = self.bars(slopes, places - 0.18, 0.34, color=ENTROPY)
        self._squared_bars = self.bars(slopes, places + 0.18, 0.34, color=SQUARED, hatch="//")
        self._slopes = slopes
        self._named = False

    def update(self, result: LossResult) -> bool:
        """Move bars and markers."""
        set_heights(self._bars, result.probabilities)
        set_heights(self._entropy_bars, result.cross_entropy_gradient)
        set_heights(self._squared_bars, result.squared_error_gradient)
        self._target.set_data([int(result.target.argmax())], [1])
        self._entropy.set_data([result.share], [min(result.cross_entropy, 6.9)])
        self._squared.set_data([result.share], [result.squared_error])
        if self._named:
            return False
        for axes in (self._labels, self._slopes):
            axes.set_xticklabels(result.classes)
        self._named = True
        return True

    def describe(self, result: LossResult) -> str:
        """Describe the probability of the true class, both losses and their gradients."""
        name = result.classes[int(result.target.argmax())]
        return (
            f"The true class, {name}, has the probability {result.share:.3f}. Cross-entropy is "
            f"{result.cross_entropy:.3f} nats and pushes its logit with "
            f"{-self._push(result.cross_entropy_gradient, result):.3f}; the squared error is "
            f"{result.squared_error:.3f} and pushes with "
            f"{-self._push(result.squared_error_gradient, result):.3f}."
        )

    def table(self, result: LossResult) -> list[Row]:
        """List probabilities, losses, and gradients with respect to the true class's logit."""
        chances = ", ".join(
            f"{name} {chance:.3f}"
            for name, chance in zip(result.classes, result.probabilities, strict=True)
        )
        return [
            ("probabilities", chances),
            ("cross-entropy", f"{result.cross_entropy:.4f} nats"),
            ("squared error", f"{result.squared_error:.4f}"),
            (
                "gradient of cross-entropy, true logit",
                f"{self._push(result.cross_entropy_gradient, result):.5f}",
            ),
            (
                "gradient of squared error, true logit",
                f"{self._push(result.squared_error_gradient, result):.5f}",
            ),
        ]

    @staticmethod
    def _push(gradient: NDArray[np.float64], result: LossResult) -> float:
        return float(gradient[result.target.argmax()])

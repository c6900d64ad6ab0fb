"""Private training: how accurate it became, and what its ε leaves to any attack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.bill import add_note
from deployworkbook.plots.picture import COLOURS, LINES, Picture, styled
from deployworkbook.plots.roc import NOTED, PERCENT
from deployworkbook.plots.roofline import PLAIN
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import short

if TYPE_CHECKING:
    from deployworkbook.formulas.membership import Roc
    from deployworkbook.formulas.shares import Share

Array = NDArray[np.float64]

FALSE_POSITIVES = np.geomspace(1e-3, 1, 61)
LEAST_EPSILON, MOST_EPSILON = 0.05, 1000.0


@dataclass(frozen=True, eq=False)
class PrivacyResult:
    """The data of a privacy plot.

    Args:
        noise_multiplier: Standard deviation of the noise divided by the clip norm.
        batch_size: Expected number of images per step.
        epochs: Passes over the images.
        steps: Number of steps.
        epsilon: ε of the training.
        delta: δ.
        noise_to_signal: Length of the noise in the mean gradient, divided by the clip norm, which
            is the longest that the mean can be without noise.
        found: Largest share of members that any attack finds, at ``FALSE_POSITIVES``.
        found_at_noted: The same where 1 % of the others are accused.
    """

    noise_multiplier: float
    batch_size: int
    epochs: int
    steps: int
    epsilon: float
    delta: float
    noise_to_signal: float
    found: Array
    found_at_noted: float


class PrivacyView(View[PrivacyResult]):
    """Measured accuracies by ε, and the bound of all attacks beside measured ones.

    Args:
        accuracies: Measured accuracy by the ε of its training.
        attacks: Curves of measured attacks by name.
        note: Where the figures come from, shown below the plot.
    """

    @styled
    def __init__(
        self, accuracies: Mapping[float, Share], attacks: Mapping[str, Roc], note: str
    ) -> None:
        super().__init__(Picture(9.1, 4.2))
        left, right = self.picture.subplots(1, 2)
        left.set(title="How accurate it becomes (measured)", xlabel="ε", xscale="log")
        left.set_xlim(LEAST_EPSILON, MOST_EPSILON)
        left.xaxis.set_major_formatter(PLAIN)
        left.yaxis.set_major_formatter(PERCENT)
        self._accuracies = dict(sorted(accuracies.items()))
        for index, (epsilon, share) in enumerate(self._accuracies.items()):
            low, high = share.interval
            ends = [[share.value - low], [high - share.value]]
            label = None if index else "trained"
            left.errorbar(
                epsilon, share.value, ends, fmt="o", ms=7, color=COLOURS[1], capsize=4, label=label
            )
        left.set_ylim(left.get_ylim() if accuracies else (0, 1))
        self._here = left.axvline(1, ls="--", color=COLOURS[2], lw=2, label="ε here")
        self.moving.append(self._here)
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        right.set(title="What any attack can find", xscale="log", yscale="log")
        right.set(xlabel="false positives", ylabel="members found")
        right.set(xlim=(FALSE_POSITIVES[0], 1), ylim=(FALSE_POSITIVES[0], 1.1))
        for axis in (right.xaxis, right.yaxis):
            axis.set_major_formatter(PERCENT)
        right.plot([1e-3, 1], [1e-3, 1], ":", color=COLOURS[0], label="guessing")
        for index, (name, curve) in enumerate(attacks.items()):
            right.plot(
                curve.false_positive_rate,
                curve.true_positive_rate,
                LINES[(index + 2) % len(LINES)],
                color=COLOURS[3 + index % 4],
                label=f"{name} (measured)",
            )
        self._bound = self.line(right, "--", color=COLOURS[2], lw=2, label="bound of ε here")
        columns = 2 if attacks else 1
        right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=columns)
        add_note(self.picture, note)

    def update(self, result: PrivacyResult) -> bool:
        """Move the line of ε and the bound."""
        shown = min(max(result.epsilon, LEAST_EPSILON), MOST_EPSILON)
        self._here.set_xdata([shown, shown])
        self._bound.set_data(FALSE_POSITIVES, result.found)
        return False

    def describe(self, result: PrivacyResult) -> str:
        """Describe ε, the noise and the bound."""
        return (
            f"{result.steps:,} steps of {result.batch_size:,} images with a noise of "
            f"{short(result.noise_multiplier)} times the clip norm: ε is "
            f"{short(result.epsilon)}. No attack finds more than {result.found_at_noted:.1%} of "
            f"the members at {NOTED:.0%} false positives."
        )

    def table(self, result: PrivacyResult) -> list[Row]:
        """List ε, its factor, the noise, the bound, and the nearest trainings."""
        factor = short(float(np.exp(min(result.epsilon, 700.0))))
        rows = [
            ("ε", short(result.epsilon)),
            ("odds change at most by a factor of", factor),
            ("steps", f"{result.steps:,}"),
            ("noise in the mean gradient, per clip norm", short(result.noise_to_signal)),
            (
                f"members found at {NOTED:.0%} false positives, at most",
                f"{result.found_at_noted:.1%}",
            ),
        ]
        below = [each for each in self._accuracies if each <= result.epsilon]
        measured = "none trained"
        if below:
            measured = f"{self._accuracies[below[-1]].value:.1%} at ε = {below[-1]:.2f}"
        return [*rows, ("accuracy of the nearest training within ε", measured)]

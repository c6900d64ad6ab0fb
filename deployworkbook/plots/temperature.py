"""A teacher's probabilities, softened by a temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View, set_heights


@dataclass(frozen=True, eq=False)
class TemperatureResult:
    """The data of a temperature plot.

    Args:
        image: Image in 0 … 1, shape ``[28, 28]``.
        label: Its true class.
        temperature: T.
        probabilities: Teacher's probabilities at T = 1, shape ``[classes]``.
        softened: Teacher's probabilities at T.
        entropy: Entropy of the softened probabilities, in nats.
        temperatures: Temperatures of the curve.
        entropies: Entropy at each of them.
    """

    image: NDArray[np.float64]
    label: int
    temperature: float
    probabilities: NDArray[np.float64]
    softened: NDArray[np.float64]
    entropy: float
    temperatures: NDArray[np.float64]
    entropies: NDArray[np.float64]

    @property
    def ranking(self) -> NDArray[np.int64]:
        """Classes, the most likely first."""
        return np.argsort(-self.softened, kind="stable")


class TemperatureView(View[TemperatureResult]):
    """The image, both distributions, and the entropy by temperature.

    Args:
        classes: Number of classes.
        lowest: Lowest temperature of the axis.
        highest: Highest temperature of the axis.
    """

    @styled
    def __init__(self, classes: int, lowest: float, highest: float) -> None:
        places = np.arange(classes)
        super().__init__(Picture(10, 3.4))
        image, chances, entropy = self.picture.subplots(1, 3, width_ratios=[1, 2, 1.4])
        self._image = image.imshow(np.zeros((28, 28)), cmap="gray_r", vmin=0, vmax=1)
        image.set(title="The image", xticks=[], yticks=[])
        image.grid(visible=False)
        image.spines[:].set_visible(False)
        chances.set(title="The teacher's answer", xlabel="class", ylim=(0, 1.02))
        chances.set(xticks=places, xlim=(-0.6, classes - 0.4))
        self._sharp = self.bars(chances, places - 0.2, 0.38, color=COLOURS[6], label="T = 1")
        self._soft = self.bars(
            chances, places + 0.2, 0.38, color=COLOURS[2], hatch="//", label="at T"
        )
        chances.legend(loc="upper right")
        entropy.set(title="Entropy (nats)", xlabel="temperature T", xscale="log")
        entropy.set(xlim=(lowest, highest), ylim=(0, np.log(classes) * 1.05))
        entropy.axhline(np.log(classes), color=COLOURS[0], ls=":", lw=1.2)
        self._curve = self.line(entropy, color=COLOURS[1], lw=2)
        self._here = self.line(entropy, "o", color=COLOURS[2], ms=10)
        self.moving.append(self._image)

    def update(self, result: TemperatureResult) -> bool:
        """Move the bars, the curve and the point on it."""
        self._image.set_data(result.image)
        set_heights(self._sharp, result.probabilities)
        set_heights(self._soft, result.softened)
        self._curve.set_data(result.temperatures, result.entropies)
        self._here.set_data([result.temperature], [result.entropy])
        return False

    def describe(self, result: TemperatureResult) -> str:
        """Describe the three most likely classes and their probabilities."""
        choices = ", ".join(f"{k} with {result.softened[k]:.1%}" for k in result.ranking[:3])
        return (
            f"An image of a {result.label}. At temperature {result.temperature:.3g} the teacher's "
            f"first choices are {choices}; the entropy is {result.entropy:.2f} nats."
        )

    def table(self, result: TemperatureResult) -> list[Row]:
        """List the three most likely classes at T = 1 and at T, and the entropy."""
        rows = [
            (
                f"choice {place}: class {k}",
                f"{result.probabilities[k]:.3%} at T = 1, {result.softened[k]:.3%} at T",
            )
            for place, k in enumerate(result.ranking[:3], 1)
        ]
        return [*rows, ("entropy", f"{result.entropy:.3f} nats")]

"""Drift: changed images, what detectors say to them, and accuracy beside its estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, name_rows, styled
from deployworkbook.plots.view import Row, View

# p-values below this are drawn as this.
LEAST_P = 1e-6
ALARM = 0.01
EXAMPLES = 4


@dataclass(frozen=True, eq=False)
class Finding:
    """What one detector says.

    Args:
        detector: Name of the detector, and what it looks at.
        statistic: Its statistic in this window.
        p_value: How often chance alone makes it that large.
    """

    detector: str
    statistic: float
    p_value: float

    @property
    def alarms(self) -> bool:
        """Whether the detector alarms at a rate of 1 % per window."""
        return self.p_value < ALARM


@dataclass(frozen=True, eq=False)
class DriftResult:
    """The data of a drift plot.

    Args:
        change: What was done to the images, in words, such as "rotated by 20°".
        window: Number of images in the window.
        before: Images as at release, shape ``[EXAMPLES, 28, 28]``, in 0 … 1.
        after: The same images, changed.
        findings: What each detector says, the same detectors each time.
        reference_accuracy: Accuracy at release.
        accuracy: True accuracy in the window, for which labels are needed.
        mean_confidence: Estimate by the mean confidence.
        thresholded: Estimate by the average thresholded confidence.
        spread: Standard deviation of a window's accuracy around a right estimate.
    """

    change: str
    window: int
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    findings: tuple[Finding, ...]
    reference_accuracy: float
    accuracy: float
    mean_confidence: float
    thresholded: float
    spread: float

    @property
    def alarms(self) -> tuple[str, ...]:
        """Names of the detectors that alarm."""
        return tuple(each.detector for each in self.findings if each.alarms)


class DriftView(View[DriftResult]):
    """Images before and after, p-values, and three accuracies.

    Args:
        detectors: Names of the detectors, in the order of a result's findings.
    """

    @styled
    def __init__(self, detectors: tuple[str, ...]) -> None:
        super().__init__(Picture(10.5, 3.9))
        images, chances, accuracy = self.picture.subplots(1, 3, width_ratios=[1, 1.5, 1.5])
        self._images = images.imshow(
            np.zeros((28 * EXAMPLES, 56)), cmap="gray_r", vmin=0, vmax=1, aspect="auto"
        )
        images.set(title="At release | now", xticks=[], yticks=[])
        images.grid(visible=False)
        images.axvline(27.5, color=COLOURS[2], lw=1)
        images.spines[:].set_visible(False)
        chances.set(title="How likely by chance alone", xlabel="p-value", xscale="log")
        chances.set(xlim=(LEAST_P / 3, 1.3))
        chances.set_xticks([1e-6, 1e-4, 0.01, 1], ["0.000001", "0.0001", "0.01", "1"])
        chances.minorticks_off()
        chances.axvline(ALARM, color=COLOURS[2], ls="--", lw=1.5)
        name_rows(chances, detectors)
        self._chances = self.line(chances, "o", color=COLOURS[1], ms=10)
        self._alarms = self.line(chances, "X", color=COLOURS[2], ms=11)
        accuracy.set(title="Accuracy", xlabel="right answers (dotted: at release)", xlim=(0, 1))
        names = ("true", "mean confidence", "thresholded confidence")
        name_rows(accuracy, names)
        self._release = self.line(accuracy, ":", color=COLOURS[0], lw=1.5)
        self._bars = accuracy.barh(range(len(names)), np.zeros(len(names)), height=0.55)
        for bar, colour, hatch in zip(self._bars, (3, 6, 5), ("", "//", "\\\\"), strict=True):
            bar.set(facecolor=COLOURS[colour], hatch=hatch)
        self.moving.extend([self._images, *self._bars])

    def update(self, result: DriftResult) -> bool:
        """Change images, marks and bars."""
        both = np.concatenate([result.before, result.after], axis=2)
        self._images.set_data(both.reshape(-1, both.shape[2]))
        p = np.maximum([each.p_value for each in result.findings], LEAST_P)
        alarms = np.array([each.alarms for each in result.findings])
        rows = np.arange(len(p))
        self._chances.set_data(p[~alarms], rows[~alarms])
        self._alarms.set_data(p[alarms], rows[alarms])
        values = (result.accuracy, result.mean_confidence, result.thresholded)
        for bar, value in zip(self._bars, values, strict=True):
            bar.set_width(value)
        self._release.set_data([result.reference_accuracy] * 2, [-0.6, len(values) - 0.4])
        return False

    def describe(self, result: DriftResult) -> str:
        """Describe which detectors alarm, and how far the estimates are off."""
        alarms = f"alarms: {', '.join(result.alarms)}" if result.alarms else "no detector alarms"
        return (
            f"{result.window:,} images, {result.change}: {alarms}. {result.accuracy:.1%} of the "
            f"answers are right. Without labels, the mean confidence estimates "
            f"{result.mean_confidence:.1%}, and the thresholded confidence "
            f"{result.thresholded:.1%}."
        )

    def table(self, result: DriftResult) -> list[Row]:
        """List accuracy, estimates, and each detector's statistic with its p-value."""
        return [
            ("true accuracy", f"{result.accuracy:.1%}"),
            ("at release", f"{result.reference_accuracy:.1%}"),
            ("mean confidence", f"{result.mean_confidence:.1%} ± {2 * result.spread:.1%}"),
            ("thresholded confidence", f"{result.thresholded:.1%}"),
            *(
                (each.detector, f"{each.statistic:.3f}, p {_chance(each.p_value)}")
                for each in result.findings
            ),
        ]


def _chance(p_value: float) -> str:
    return f"= {p_value:.3f}" if p_value >= 0.001 else "< 0.001"

"""Final losses by learning rate, and the descent with one of the rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.plots.descent import DescentCurve, clamped_note, clipped, set_loss_axis
from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View, move_ends


@dataclass(frozen=True, eq=False)
class SweepResult:
    """The data of a sweep plot.

    Args:
        surface: Name of the surface.
        rule: Name of the rule.
        rates: Learning rates, in order.
        excess: Loss above the lowest at the start and after each step, per rate, shape
            ``[steps + 1, rates]``; infinite where it exceeds float64.
        final: Mean of the last steps' losses above the lowest, per rate.
        last_steps: Number of those last steps.
        diverges: Per rate, whether the loss ends far above where it began.
        best: Index of the rate with the lowest final loss.
        here: Index of the selected rate.
        limit: Learning rate from which the rule diverges, if known.
        batch_size: Number of examples per gradient; ``None`` for all.
    """

    surface: str
    rule: str
    rates: NDArray[np.float64]
    excess: NDArray[np.float64]
    final: NDArray[np.float64]
    last_steps: int
    diverges: NDArray[np.bool_]
    best: int
    here: int
    limit: float | None
    batch_size: int | None


class SweepView(View[SweepResult]):
    """The final loss by rate on logarithmic axes, and the losses of one rate and of the best.

    Args:
        most_steps: Right end of the step axis.
    """

    @styled
    def __init__(self, most_steps: int) -> None:
        super().__init__(Picture(10, 4.6))
        sweep, curve = self.picture.subplots(1, 2)
        sweep.set(title="Loss above the lowest, mean of the last steps", xlabel="learning rate")
        sweep.set_xscale("log")
        set_loss_axis(sweep)
        self._axes = sweep
        self._limit = self.line(sweep, "--", color=COLOURS[0], label="limit of the rule")
        self._final = self.line(sweep, color=COLOURS[3], lw=2, label="all rates")
        self._diverged = self.line(sweep, "x", color=COLOURS[2], ms=6, label="diverges")
        self._best = self.line(sweep, "*", color=COLOURS[0], ms=15, mfc="white", label="best rate")
        self._here = self.line(
            sweep, "o", color=COLOURS[1], ms=10, mfc="white", mew=2.5, label="this rate"
        )
        self._of_best = self.line(curve, ":", color=COLOURS[0], lw=1.8, label="best rate")
        self._curve = DescentCurve(self, curve, most_steps, label="this rate")
        for axes in (sweep, curve):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)

    def update(self, result: SweepResult) -> bool:
        """Move the curves and the marks."""
        final, here, best = clipped(result.final), result.here, result.best
        self._final.set_data(result.rates, final)
        self._diverged.set_data(result.rates[result.diverges], final[result.diverges])
        self._best.set_data(result.rates[[best]], final[[best]])
        self._here.set_data(result.rates[[here]], final[[here]])
        known = [] if result.limit is None else [result.limit, result.limit]
        self._limit.set_data(known, self._axes.get_ylim()[: len(known)])
        self._of_best.set_data(np.arange(len(result.excess)), clipped(result.excess[:, best]))
        losses = result.excess[:, here]
        self._curve.show(
            losses[np.isfinite(losses)],
            diverges=bool(result.diverges[here]),
            word=self._verdict_of(result),
        )
        # Leave room for marks at both ends.
        return move_ends(self._axes, result.rates[0] / 1.2, result.rates[-1] * 1.2)

    def describe(self, result: SweepResult) -> str:
        """Describe the final losses of the best and of the selected rate."""
        batches = f" on batches of {result.batch_size}" if result.batch_size else ""
        best, here = result.best, result.here
        text = (
            f"{result.surface}, {len(result.excess) - 1} steps of {result.rule}{batches}: the loss "
            f"above the lowest begins at {result.excess[0, 0]:.3g}. The best of "
            f"{len(result.rates)} learning rates, {result.rates[best]:.3g}, leaves "
            f"{result.final[best]:.3g} of it, the mean of the last {result.last_steps} steps; "
            f"{result.rates[here]:.3g}"
        )
        if result.diverges[here]:
            text = f"{text} diverges."
        else:
            text = f"{text} leaves {result.final[here]:.3g}."
        drawn = np.concatenate([result.final, result.excess[:, here]])
        return f"{text} {clamped_note(drawn)}".strip()

    def table(self, result: SweepResult) -> list[Row]:
        """List the important rates and their losses."""
        too_high = result.rates[result.diverges]
        here, best = result.final[result.here], result.final[result.best]
        mean = f"mean of the last {result.last_steps} steps"
        limit = f"{result.limit:.4g}" if result.limit else "none known"
        return [
            ("best rate", f"{result.rates[result.best]:.3g}"),
            ("loss above the lowest, at the start", f"{result.excess[0, 0]:.4g}"),
            (f"{mean}, at the best rate", f"{best:.4g}"),
            (f"{mean}, at this rate", f"{here:.4g}" if np.isfinite(here) else "beyond float64"),
            ("lowest rate that diverges", f"{too_high[0]:.3g}" if len(too_high) else "none here"),
            ("limit of the rule, from the curvature", limit),
        ]

    @staticmethod
    def _verdict_of(result: SweepResult) -> str:
        steps = int(np.isfinite(result.excess[:, result.here]).sum()) - 1
        if steps < len(result.excess) - 1:
            return f"Diverged: beyond float64 after {steps} steps."
        return "Diverging: the loss grows." if result.diverges[result.here] else ""

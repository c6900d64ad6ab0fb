"""Accuracy against size and against latency, the frontier of both, and a budget to meet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from deployworkbook.plots.budget import Budget, FrontierPoint
from deployworkbook.plots.label_places import label_offsets
from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import counted, listed

# A label farther from its marker, in points, is joined to it by a line.
BESIDE = 23.0


@dataclass(frozen=True, eq=False)
class FrontierResult:
    """The data of a frontier plot.

    Args:
        points: Variants in the order in which they were made; the last one is marked.
        smallest: Per variant, whether no other at least as accurate is smaller.
        fastest: Per variant, whether no other at least as accurate is faster.
        budget: Budget to meet, if any.
    """

    points: tuple[FrontierPoint, ...]
    smallest: NDArray[np.bool_]
    fastest: NDArray[np.bool_]
    budget: Budget | None = None

    @property
    def best(self) -> int | None:
        """Index of the smallest variant within the budget; of equal ones, the most accurate.

        ``None`` if there is no budget, or no variant meets it.
        """
        if self.budget is None:
            return None
        within = [i for i, point in enumerate(self.points) if self.budget.is_met_by(point)]
        return min(
            within,
            key=lambda i: (self.points[i].compressed_bytes, -self.points[i].accuracy),
            default=None,
        )


class FrontierView(View[FrontierResult]):
    """Two panels with a shared accuracy axis; the points are numbered as in the table."""

    @styled
    def __init__(self) -> None:
        super().__init__(Picture(10, 4.8))
        size, latency = self.picture.subplots(1, 2, sharey=True)
        size.set(title="Accuracy by size", xlabel="zipped file (bytes)")
        size.set_ylabel("accuracy (%)")
        latency.set(title="Accuracy by latency", xlabel="time per image (µs)")
        size.set_xscale("log")
        self._panels = [_Panel(self, size), _Panel(self, latency)]
        self._allowed = size.add_patch(
            Rectangle((0, 0), 0, 0, color=COLOURS[3], alpha=0.18, lw=0, label="budget")
        )
        handles = size.get_legend_handles_labels()[0]
        self.picture.legend(handles=handles, loc="outside lower center", ncols=5)

    def update(self, result: FrontierResult) -> bool:
        """Move the points; new points may need wider axes."""
        accuracy = 100 * np.array([point.accuracy for point in result.points])
        sizes = np.array([point.compressed_bytes for point in result.points])
        times = np.array([point.latency_us for point in result.points])
        self._panels[0].update(sizes, accuracy, result.smallest, result.best)
        self._panels[1].update(times, accuracy, result.fastest, result.best)
        lowest, highest = accuracy.min(), accuracy.max()
        if result.budget is not None:
            least, most = 100 * result.budget.accuracy, result.budget.compressed_bytes
            self._panels[0].widen(most)
            lowest, highest = min(lowest, least), max(highest, least)
            left = self._panels[0].axes.get_xlim()[0]
            self._allowed.set_bounds(left, least, most - left, 101 - least)
        self._allowed.set_visible(result.budget is not None)
        margin = max(0.1, 0.1 * (highest - lowest))
        self._panels[0].axes.set_ylim(lowest - margin, min(highest + margin, 101))
        self._panels[0].number(sizes, accuracy, result.best)
        self._panels[1].number(times, accuracy, result.best)
        return True

    def describe(self, result: FrontierResult) -> str:
        """Describe the newest variant, and the best within the budget so far."""
        last = result.points[-1]
        text = (
            f"{len(result.points)} variants of the model, {result.smallest.sum()} on the frontier "
            f"of size and accuracy. The newest, {last.name}, takes {last.compressed_bytes:,} bytes "
            f"zipped and {last.latency_us:.1f} µs per image, and is {last.accuracy:.2%} accurate."
        )
        return f"{text} {self.judge(result)}".rstrip()

    def judge(self, result: FrontierResult) -> str:
        """Judge the newest variant by the budget, with its score and the best; empty without one.

        Args:
            result: Data of the plot.
        """
        budget, last = result.budget, result.points[-1]
        if budget is None:
            return ""
        missed = budget.misses(last)
        if missed:
            text = f"It misses the budget ({budget}): {listed(missed)}."
        else:
            text = f"It meets the budget ({budget}). Score: {budget.score(last)}."
        if result.best is None:
            return f"{text} No variant meets the budget yet."
        best = result.points[result.best]
        if best is last:
            return f"{text} That is the best so far: the smallest variant within the budget."
        return (
            f"{text} The smallest variant within the budget is {best.name}, with "
            f"{best.compressed_bytes:,} bytes and {best.accuracy:.2%}. "
            f"Best score so far: {budget.score(best)}."
        )

    def table(self, result: FrontierResult) -> list[Row]:
        """List all variants: which are on the frontier, and which is the best within the budget."""
        return [
            (f"{index + 1} {point.name}", self._row(result, index))
            for index, point in enumerate(result.points)
        ]

    @staticmethod
    def _row(result: FrontierResult, index: int) -> str:
        point, budget = result.points[index], result.budget
        row = f"{point.compressed_bytes:,} bytes zipped, {point.accuracy:.2%}"
        row += f", {point.latency_us:.1f} µs"
        if budget is not None and budget.epochs is not None:
            row += f", {counted(point.epochs, 'epoch')}"
        if result.smallest[index]:
            row += ", on the frontier"
        if index == result.best:
            row += ", the smallest within the budget"
        if budget is None:
            return row
        missed = budget.misses(point)
        return f"{row}; {listed(missed) if missed else f'score {budget.score(point)}'}"


class _Panel:
    """Points by one cost, with the frontier as steps."""

    def __init__(self, view: FrontierView, axes: Axes) -> None:
        self.axes = axes
        self._stair = view.line(
            axes, color=COLOURS[1], lw=1.6, drawstyle="steps-post", label="frontier"
        )
        self._points = view.line(axes, "o", color=COLOURS[0], ms=5, label="measured")
        self._newest = view.line(
            axes, "o", color=COLOURS[2], ms=12, mfc="none", mew=2, label="the newest"
        )
        within = "smallest within the budget"
        self._best = view.line(axes, "*", color=COLOURS[3], ms=15, label=within)
        self._numbers: list[mpl.text.Text] = []

    def update(
        self,
        costs: NDArray[np.float64],
        accuracy: NDArray[np.float64],
        front: NDArray[np.bool_],
        best: int | None,
    ) -> None:
        order = np.argsort(costs[front])
        self._stair.set_data(costs[front][order], accuracy[front][order])
        self._points.set_data(costs, accuracy)
        self._newest.set_data(costs[-1:], accuracy[-1:])
        chosen = [] if best is None else [best]
        self._best.set_data(costs[chosen], accuracy[chosen])
        is_log = self.axes.get_xscale() == "log"
        self.axes.set_xlim(costs.min() / 1.4 if is_log else 0, costs.max() * 1.4)

    def number(
        self, costs: NDArray[np.float64], accuracy: NDArray[np.float64], best: int | None
    ) -> None:
        """Number the points as in the table, when the axes' limits are final."""
        for text in self._numbers:
            text.remove()
        places = np.column_stack([costs, accuracy])
        to_points = 72 / self.axes.figure.dpi
        centres = to_points * self.axes.transData.transform(places)
        texts = [f"{number}" for number in range(1, len(places) + 1)]
        reaches = [8.0 if index in (best, len(texts) - 1) else 4.0 for index in range(len(texts))]
        bounds = to_points * self.axes.bbox.get_points()
        offsets = label_offsets(centres, texts, reaches=reaches, bounds=bounds)
        properties: dict[str, Any] = {
            "textcoords": "offset points",
            "ha": "center",
            "va": "center",
            "fontsize": 11,
            "color": COLOURS[0],
        }
        line = {"arrowstyle": "-", "lw": 0.6, "color": COLOURS[0], "shrinkA": 0}
        self._numbers = [
            self.axes.annotate(
                text,
                tuple(at),
                offset,
                arrowprops=line if math.hypot(*offset) > BESIDE else None,
                **properties,
            )
            for text, at, offset in zip(texts, places, offsets, strict=True)
        ]

    def widen(self, cost: float) -> None:
        """Widen the axis to show a cost."""
        left, right = self.axes.get_xlim()
        self.axes.set_xlim(min(left, cost / 1.4), max(right, cost * 1.4))

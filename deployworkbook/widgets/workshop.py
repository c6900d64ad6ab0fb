"""A workshop: controls that say what to make, a button that makes it, and all that was made."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets
import numpy as np

from deployworkbook.formulas.frontier import pareto
from deployworkbook.plots.frontier import Budget, FrontierResult, FrontierView, Point
from deployworkbook.widgets.controls import Control
from deployworkbook.widgets.explorer import Explorer


def frontier_of(points: Sequence[Point], budget: Budget | None = None) -> FrontierResult:
    """Find what nothing else beats, among some forms of a model.

    Args:
        points: At least one, in the order in which they were made.
        budget: What is to be met, if anything is.

    >>> big, small = Point("big", 400, 0.98, 5.0), Point("small", 100, 0.97, 6.0)
    >>> result = frontier_of([big, small])
    >>> result.smallest, result.fastest  # the small one is slower and less accurate
    (array([ True,  True]), array([ True, False]))
    """
    accuracies = [point.accuracy for point in points]
    return FrontierResult(
        tuple(points),
        pareto(np.array([point.compressed_bytes for point in points], float), accuracies),
        pareto([point.latency_us for point in points], accuracies),
        budget,
    )


class Workshop(Explorer[FrontierResult]):
    """An explorer of what takes long to make: moving a control makes nothing, a button does.

    Args:
        controls: What can be chosen.
        make: From the controls' values, by name, to what was made and measured.
        points: What there is already, at least one.
        budget: What is to be met.
    """

    def __init__(
        self,
        controls: Sequence[Control],
        make: Callable[..., Point],
        *,
        points: Sequence[Point],
        budget: Budget,
    ) -> None:
        self._make = make
        self._budget = budget
        self._said = ipywidgets.HTML()
        self._button = ipywidgets.Button(
            description="Build and measure",
            button_style="primary",
            tooltip="Make what the controls say; it takes a while",
        )
        start = frontier_of(points, budget)
        super().__init__(controls, lambda **_: start, FrontierView())
        self._compute = self._with_another
        self._button.on_click(lambda _: self.build())

    def build(self) -> FrontierResult:
        """Make what the controls say, measure it, and return all that has been made."""
        self._button.disabled = True
        self._said.value = "<p role='status'>Building and measuring; this may take a minute.</p>"
        start = time.perf_counter()
        try:
            self.result = self._show()
        finally:
            self._button.disabled = False
            self._said.value = ""
        seconds, alt = time.perf_counter() - start, self._view.picture.alt
        self._said.value = f"<p role='status'>In {seconds:.1f} s. {escape(alt)}</p>"
        return self.result

    def set(self, **values: Any) -> FrontierResult:
        """Move controls, build what they say, and return all that has been made."""
        self._move(**values)
        return self.build()

    def reset(self) -> FrontierResult:
        """Move all controls to where they began; what has been made stays."""
        self._move(**{name: control.value for name, control in self.controls.items()})
        return self.result

    def _with_another(self, **values: Any) -> FrontierResult:
        return frontier_of([*self.result.points, self._make(**values)], self._budget)

    def _on_change(self, change: object) -> None:
        """Wait for the button."""

    def _assemble(self) -> Any:
        controls, shown = super()._assemble().children
        controls.children = [*controls.children, self._button]
        return ipywidgets.VBox([controls, self._said, shown])

"""A workshop: controls to choose a build, a button that starts it, and all results so far."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from html import escape
from typing import Any

import ipywidgets
import numpy as np

from deployworkbook.formulas.frontier import pareto
from deployworkbook.plots.budget import Budget, FrontierPoint
from deployworkbook.plots.frontier import FrontierResult, FrontierView
from deployworkbook.widgets.background import in_cell, on_interrupt
from deployworkbook.widgets.build_progress import BuildCancelled, BuildProgress
from deployworkbook.widgets.controls import Control
from deployworkbook.widgets.explorer import Explorer


def frontier_of(points: Sequence[FrontierPoint], budget: Budget | None = None) -> FrontierResult:
    """Find the frontiers of size and latency among some variants of a model.

    Args:
        points: Variants in the order in which they were made, at least one.
        budget: Budget to meet, if any.

    >>> big, small = FrontierPoint("big", 400, 0.98, 5.0), FrontierPoint("small", 100, 0.97, 6.0)
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
    """An explorer of results that take long to build: a button starts the build, not a control.

    The button builds in a separate thread, so that the kernel stays free and the Cancel button
    works; the kernel's Interrupt cancels too. ``build`` and ``set`` build in the caller's thread.

    Args:
        controls: Controls of the build.
        make: Function called with a ``BuildProgress`` to report steps to, and with the
            controls' values by name; returns the measured variant. A cancelled build ends when it
            reports its next step.
        points: Variants that exist already, at least one.
        budget: Budget to meet.
    """

    def __init__(
        self,
        controls: Sequence[Control],
        make: Callable[..., FrontierPoint],
        *,
        points: Sequence[FrontierPoint],
        budget: Budget,
    ) -> None:
        self._make = make
        self._budget = budget
        self._building = threading.Lock()
        self._thread: threading.Thread | None = None
        self._progress: BuildProgress | None = None
        self._seconds_per_step: dict[str, float] = {}
        # A build's output belongs in the cell that shows the workshop, not in the log console.
        self._context = contextvars.copy_context()
        self._is_displayed = False
        self._said = ipywidgets.HTML()
        self._button = ipywidgets.Button(
            description="Build and measure",
            button_style="primary",
            tooltip="Build and measure what the controls select; it takes a while",
        )
        self._cancel = ipywidgets.Button(
            description="Cancel",
            disabled=True,
            tooltip="Stop the build; finished stages are kept",
        )
        self._bar = ipywidgets.FloatProgress(max=1.0, layout={"visibility": "hidden"})
        self._doing = ipywidgets.HTML()
        wrapped = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        self._panel = ipywidgets.HBox([self._cancel, self._bar, self._doing], layout=wrapped)
        start = frontier_of(points, budget)
        self._frontier_view = FrontierView()
        super().__init__(controls, lambda **_: start, self._frontier_view)
        self._compute = self._with_another
        self._interruptible = on_interrupt(self.cancel)
        self._button.on_click(lambda _: self.start())
        self._cancel.on_click(lambda _: self.cancel())

    def build(self) -> FrontierResult:
        """Build and measure what the controls select, and return all results so far.

        Raises:
            BuildCancelled: Cancel was pressed.
            RuntimeError: Another build is running.
        """
        progress = self._begin()
        with in_cell(None if self._is_displayed else self._panel):
            return self._build(progress)

    def start(self) -> None:
        """Begin to build in the background, as the button does; an error is shown, not raised.

        Raises:
            RuntimeError: Another build is running.
        """
        progress = self._begin()
        context = self._context.copy()
        self._thread = threading.Thread(target=context.run, args=(self._in_background, progress))
        self._thread.start()

    def cancel(self) -> None:
        """Cancel the running build, if there is one; finished stages stay in the cache."""
        progress = self._progress
        if progress is not None:
            progress.cancel()
            self._cancel.disabled = True
            progress.say("Cancelling.")

    def wait(self) -> FrontierResult:
        """Wait for a build in the background, and return all results so far."""
        if self._thread is not None:
            self._thread.join()
        return self.result

    def set(self, **values: Any) -> FrontierResult:
        """Move controls, build what they select, and return all results so far."""
        self._move(**values)
        return self.build()

    def reset(self) -> FrontierResult:
        """Move all controls to their initial values; keep all results."""
        self._move(**{name: control.value for name, control in self.controls.items()})
        return self.result

    def _begin(self) -> BuildProgress:
        if not self._building.acquire(blocking=False):
            raise RuntimeError("A build is already running. Wait for its end, or cancel it.")
        progress = BuildProgress(self._report, seconds_per_step=self._seconds_per_step)
        self._progress = progress
        self._button.disabled, self._cancel.disabled = True, False
        self._bar.value, self._bar.layout.visibility = 0.0, "visible"
        self._doing.value = ""
        self._said.value = "<p role='status'>Building and measuring.</p>"
        return progress

    def _in_background(self, progress: BuildProgress) -> None:
        # Errors and cancelling have been shown by then, and there is no caller to notify.
        with self._interruptible(), suppress(Exception, BuildCancelled):
            self._build(progress)

    def _build(self, progress: BuildProgress) -> FrontierResult:
        said = ""
        try:
            self.result = self._show()
            last = self.result.points[-1]
            said = f"{last.name}: built and measured in {progress.seconds:.1f} s. "
            said += self._frontier_view.judge(self.result)
        except (BuildCancelled, KeyboardInterrupt):
            said = (
                f"Cancelled after {progress.seconds:.1f} s; nothing was added. Stages that were "
                "finished are kept, so the next build continues from there."
            )
            raise
        except Exception:
            said = f"The build failed after {progress.seconds:.1f} s; the error is shown below."
            raise
        finally:
            self._progress = None
            self._button.disabled, self._cancel.disabled = False, True
            self._bar.layout.visibility = "hidden"
            self._doing.value = ""
            self._said.value = f"<p role='status'>{escape(said)}</p>"
            self._building.release()
        return self.result

    def _report(self, fraction: float, text: str) -> None:
        self._bar.value = fraction
        self._doing.value = f"<span>{escape(text)}</span>"

    def _with_another(self, **values: Any) -> FrontierResult:
        made = self._make(self._progress, **values)
        # A variant that is built again replaces its earlier result; all others stay.
        others = [point for point in self.result.points if not _is_same(point, made)]
        return frontier_of([*others, made], self._budget)

    def _on_change(self, change: object) -> None:
        """Wait for the button."""

    def _assemble(self) -> Any:
        controls, *shown = super()._assemble().children
        controls.children = [*controls.children, self._button]
        return ipywidgets.VBox([controls, self._panel, self._said, *shown])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        self._context = contextvars.copy_context()
        self._is_displayed = True
        return super()._repr_mimebundle_(include, exclude)


def _is_same(one: FrontierPoint, other: FrontierPoint) -> bool:
    """Return whether two points are the same variant measured twice: only latency may differ."""
    return (one.name, one.compressed_bytes, one.accuracy) == (
        other.name,
        other.compressed_bytes,
        other.accuracy,
    )

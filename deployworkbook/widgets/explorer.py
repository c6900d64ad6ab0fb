"""The widget that all lessons share: move a control, and see the result."""

from __future__ import annotations

import base64
import html
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, TypeVar

import ipywidgets

from deployworkbook.plots.panels import DARK_STYLE, Panels, panels_html
from deployworkbook.plots.view import Row, View
from deployworkbook.validation import did_you_mean, value_error
from deployworkbook.widgets.background import running_loop
from deployworkbook.widgets.controls import Control

Result = TypeVar("Result")

# Where a slider beside its label would be too short to be moved, the label stands above it.
CONTROLS = "workbook-controls"
CONTROLS_STYLE = (
    f"<style>.{CONTROLS} {{ container-type: inline-size; }} @container (max-width: 24rem) {{ "
    f".{CONTROLS} .widget-inline-hbox {{ flex-wrap: wrap; height: auto; }} "
    f".{CONTROLS} .widget-label {{ width: 100% !important; text-align: left; }} }}</style>"
)

# Changes that come in faster than this are combined: a drag sends one every few milliseconds,
# faster than a picture can be drawn.
BURST_S = 0.05
# Long enough to handle messages that have already arrived, but too short to notice.
GATHER_S = 0.004


class Explorer(Generic[Result]):
    """Controls, a pure function of their values, and a picture of its result.

    In JupyterLab it is live. In an executed notebook, a page or a terminal it shows the picture and
    the table of its first result: all formats are in one bundle.

    Args:
        controls: Controls.
        compute: Function from the controls' values, by name, to the result.
        view: View that draws the result.
        applies: Function from the controls' values, by name, to the names of the controls that
            affect the result; the others are disabled. ``None`` if all of them always do.

    Raises:
        ValueError: Two controls have the same name.
    """

    def __init__(
        self,
        controls: Sequence[Control],
        compute: Callable[..., Result],
        view: View[Result],
        *,
        applies: Callable[..., Collection[str]] | None = None,
    ) -> None:
        self.controls = {control.name: control for control in controls}
        if len(self.controls) != len(controls):
            names = [control.name for control in controls]
            raise value_error("controls", received=str(names), expected="different names")
        self._compute = compute
        self._view = view
        self._applies = applies
        self._widgets = {name: control.widget() for name, control in self.controls.items()}
        # Picture and table in one widget, because each widget's change is a separate message.
        self._shown = ipywidgets.HTML()
        self._is_waiting = False
        self._is_set_here = False
        self._drawn_at = -BURST_S
        self._panels: Panels = []
        self.result = self._show()
        self.widget = self._assemble()
        for widget in self._widgets.values():
            widget.observe(self._on_change, names="value")

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values, by name."""
        return {name: widget.value for name, widget in self._widgets.items()}

    def set(self, **values: Any) -> Result:
        """Move controls, as a learner would; return the new result.

        Args:
            **values: Values by the controls' names.

        Raises:
            TypeError: A value has the wrong type for its control.
            ValueError: There is no such control, or the value is out of its range.
        """
        self._move(**values)
        self.result = self._show()
        return self.result

    def _move(self, **values: Any) -> None:
        """Move all of the given controls or none, without drawing."""
        for name in values:
            if name not in self.controls:
                expected = f"one of {', '.join(self.controls)}"
                remedy = did_you_mean(name, self.controls)
                raise value_error("control", received=repr(name), expected=expected, remedy=remedy)
        checked = {name: self.controls[name].check(value) for name, value in values.items()}
        self._is_set_here = True
        try:
            for name, value in checked.items():
                self.controls[name].move(self._widgets[name], value)
        finally:
            self._is_set_here = False

    def reset(self) -> Result:
        """Move all controls to their initial values; return the result."""
        return self.set(**{name: control.value for name, control in self.controls.items()})

    def _assemble(self) -> Any:
        button = ipywidgets.Button(
            description="Reset", tooltip="Move all controls to their initial values"
        )
        button.on_click(lambda _: self.reset())
        # Side by side if there is room, else below each other.
        wrapped = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        controls = ipywidgets.HBox([*self._widgets.values(), button], layout=wrapped)
        controls.add_class(CONTROLS)
        # Apart from the pictures, so that the page's style doesn't change with each.
        style = ipywidgets.HTML(DARK_STYLE + CONTROLS_STYLE, layout={"display": "none"})
        return ipywidgets.VBox([controls, self._shown, style])

    def _on_change(self, change: object) -> None:
        """Draw now, or shortly after if changes come in a burst; the last one is always drawn."""
        if self._is_set_here or self._is_waiting:
            return
        loop = running_loop()
        if loop is None or time.monotonic() - self._drawn_at > BURST_S:
            self.result = self._show()
        else:
            self._is_waiting = True
            loop.call_later(GATHER_S, self._show_gathered)

    def _show_gathered(self) -> None:
        self._is_waiting = False
        self.result = self._show()

    def _show(self) -> Result:
        """Compute and draw; show an error in the picture's place, and raise it."""
        try:
            result = self._compute(**self.values)
            self._panels = self._view.draw(result)
        except Exception:
            text = html.escape(traceback.format_exc())
            self._shown.value = (
                f'<pre role="alert" style="color: var(--jp-error-color1, #a40e26)">{text}</pre>'
            )
            raise
        if self._applies is not None:
            matters = self._applies(**self.values)
            for name, widget in self._widgets.items():
                widget.disabled = name not in matters
        image = panels_html(self._panels, self._view.picture.alt)
        self._shown.value = image + _table_html(self._view.table(result))
        self._drawn_at = time.monotonic()
        return result

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return the live widget, and picture and table for use without a kernel."""
        rows = self._view.table(self.result)
        alt = self._view.picture.alt
        lines = [alt, *(f"{name}: {value}" for name, value in rows)]
        live: dict[str, Any] = self.widget._repr_mimebundle_()
        return live | {
            "text/html": panels_html(self._panels, alt) + DARK_STYLE + _table_html(rows),
            "image/png": base64.b64encode(self._view.png()).decode(),
            "text/plain": "\n".join(lines),
        }


def _table_html(rows: Sequence[Row]) -> str:
    cells = "".join(
        f'<tr><th scope="row" style="text-align: left; padding: 0.1rem 1rem 0.1rem 0">'
        f"{html.escape(name)}</th>"
        f'<td style="text-align: right">{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{cells}</table>"

"""The figure that every plot returns: notebooks display it with its alternative text."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from PIL import Image

from deployworkbook.plots.panels import (
    DARK_STYLE,
    DOTS_PER_INCH,
    SMALLEST_TEXT_PT,
    Box,
    Panels,
    panels_html,
    strips_of,
)

if TYPE_CHECKING:
    # Only newer versions of matplotlib name this type.
    from matplotlib.typing import RcKeyType

# The hues of Okabe and Ito's colours (Color Universal Design, 2008) with other lightnesses. On
# white paper and in a picture's dark form, all can be told from the paper (3:1 by WCAG 2) and from
# each other, also by colour-blind readers. The first four are dark enough for texts (4.5:1).
# Their yellow is left out, as it is too pale for lines.
COLOURS = ("#000000", "#004C8D", "#C84E0E", "#038269", "#BA81A3", "#DB7C00", "#4197E0")

# Styles and markers that tell lines apart in print.
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "<", ">", "P")

STYLE: dict[RcKeyType, Any] = {
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=COLOURS[1:] + COLOURS[:1]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 12,
    # Where matplotlib would put it, too, after measuring all ticks again for each title.
    "axes.titley": 1.0,
    "font.size": SMALLEST_TEXT_PT,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "xtick.labelsize": SMALLEST_TEXT_PT,
    "ytick.labelsize": SMALLEST_TEXT_PT,
}

# Decorators for functions that make a picture: all of its artists must be created in its style.
styled = mpl.rc_context(STYLE)
styled_without_grid = mpl.rc_context(STYLE | {"axes.grid": False})


class Picture(Figure):
    """A figure with alternative text, outside pyplot, so that none stays open.

    Create it and its axes in a function that is ``styled``.

    Args:
        width_in: Width in inches, 100 dots each.
        height_in: Height in inches.
        alt: Alternative text; may be set later.

    >>> Picture(2, 1, alt="Loss falls from 2.3 to 0.1.").alt
    'Loss falls from 2.3 to 0.1.'
    """

    canvas: FigureCanvasAgg

    def __init__(self, width_in: float, height_in: float, *, alt: str = "") -> None:
        super().__init__(
            figsize=(width_in, height_in),
            dpi=DOTS_PER_INCH,
            layout="constrained",
            facecolor="white",
        )
        FigureCanvasAgg(self)
        self.alt = alt

    def png(self) -> bytes:
        """Encode the picture as PNG."""
        self.canvas.draw()
        return self._encode(self._whole())

    def panels(self) -> Panels:
        """Encode the panels as PNGs; together they are the picture."""
        self.canvas.draw()
        return self._panels()

    def _panels(self) -> Panels:
        """Encode the panels of the drawn picture."""
        return [
            [box.right - box.left if box.is_blank else self._encode(box) for box in strip]
            for strip in strips_of(self)
        ]

    def _whole(self) -> Box:
        return Box(0, 0, int(self.bbox.width), int(self.bbox.height))

    def _encode(self, box: Box) -> bytes:
        """Encode a part of the drawn picture."""
        dots = np.asarray(self.canvas.buffer_rgba())
        part = dots[box.top : box.bottom, box.left : box.right, :3]
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(part)).save(buffer, "png")
        return buffer.getvalue()

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, str | bytes]:
        """Return the picture with its alternative text for a notebook, as HTML, PNG and text."""
        # Drawing takes most of the time, so once for both; a single panel is the whole picture.
        self.canvas.draw()
        panels = self._panels()
        match panels:
            case [[bytes() as whole]]:
                png = whole
            case _:
                png = self._encode(self._whole())
        return {
            "text/html": panels_html(panels, self.alt) + DARK_STYLE,
            "image/png": base64.b64encode(png).decode(),
            "text/plain": self.alt,
        }


def name_rows(axes: Axes, names: Iterable[str]) -> None:
    """Name horizontal bars at 0, 1, …, the first one on top."""
    rows = list(names)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(False, axis="y")

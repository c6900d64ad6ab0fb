"""Panels of a picture: where it can be cut, so that a narrow screen shows them below each other."""

from __future__ import annotations

import base64
import html
import struct
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Pictures are drawn with this many dots per inch, and browsers show one dot as 1/96 inch.
DOTS_PER_INCH = 100
CSS_DOTS_PER_INCH = 96
# The smallest text of a picture, and the smallest that a reader should see, in points.
SMALLEST_TEXT_PT = 11
SMALLEST_SEEN_PT = 9
# A picture is never shrunk further than this: on a narrow screen it scrolls instead.
LEAST_SCALE = SMALLEST_SEEN_PT / (SMALLEST_TEXT_PT * DOTS_PER_INCH / CSS_DOTS_PER_INCH)
# Narrower parts stay together with their neighbours.
LEAST_PANEL_PX = 220

# Dark themes invert the lightness of pictures and keep their hues. White becomes #121212.
DARK_FILTER = "invert(0.93) hue-rotate(180deg)"
# Selectors of the dark themes of JupyterLab and Visual Studio Code. Pages have their own rule.
DARK_STYLE = (
    "<style>"
    '[data-jp-theme-light="false"] .workbook-picture img, .vscode-dark .workbook-picture img '
    f"{{ filter: {DARK_FILTER}; }}</style>"
)


def panel_edges(figure: Figure) -> tuple[int, ...]:
    """Return the columns at which a drawn figure can be cut into panels, both ends included.

    A cut goes through no axes, label, title or legend. A colour bar stays with its axes, and so do
    axes without tick labels with those that have the labels for both.

    Args:
        figure: A figure with an Agg canvas that has drawn it.
    """
    canvas = figure.canvas
    width = int(figure.bbox.width)
    if not isinstance(canvas, FigureCanvasAgg) or len(figure.axes) == 1:
        return 0, width
    renderer = canvas.get_renderer()
    spans = []
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        if box is not None and axes.get_visible():
            left = spans[-1][0] if spans and _belongs_to_the_left(axes) else box.x0
            spans.append((left, box.x1))
    for artist in (*figure.texts, *figure.legends):
        box = artist.get_window_extent(renderer)
        if box.width:
            spans.append((box.x0, box.x1))
    return _edges(sorted(spans), width)


def _belongs_to_the_left(axes: Axes) -> bool:
    is_shared = len(axes.get_shared_y_axes().get_siblings(axes)) > 1
    is_labelled = axes.yaxis.get_tick_params().get("labelleft", True)
    return axes.get_label() == "<colorbar>" or (is_shared and not is_labelled)


def _edges(spans: Sequence[tuple[float, float]], width: int) -> tuple[int, ...]:
    """Return the cuts in the middle of the gaps between spans, sorted by their left ends.

    >>> _edges([(10, 400), (420, 480), (500, 900)], 950)
    (0, 410, 950)
    """
    edges, reach = [0], 0.0
    for left, right in spans:
        middle = round((reach + left) / 2)
        wide = min(middle - edges[-1], width - middle) >= LEAST_PANEL_PX
        if left > reach and reach > 0 and wide:
            edges.append(middle)
        reach = max(reach, right)
    return (*edges, width)


def panels_html(panels: Sequence[bytes], alt: str) -> str:
    """Return the panels of a picture as HTML, without files or requests.

    They stand side by side where there is room, else below each other. Where even one is too wide
    for its text to be read, it scrolls.

    Args:
        panels: PNGs, from left to right.
        alt: Alternative text of the whole picture.
    """
    parts = []
    for number, png in enumerate(panels, 1):
        width = struct.unpack(">I", png[16:20])[0]
        least = round(LEAST_SCALE * width)
        said = alt if number == 1 else f"Panel {number} of {len(panels)} of the same picture."
        data = base64.b64encode(png).decode()
        parts.append(
            f'<div style="flex: {width} 1 {least}px; max-width: {width}px; overflow-x: auto">'
            f'<img alt="{html.escape(said)}" src="data:image/png;base64,{data}" '
            f'style="display: block; width: 100%; max-width: none; min-width: {least}px"></div>'
        )
    shown = "".join(parts)
    return f'<div class="workbook-picture" style="display: flex; flex-wrap: wrap">{shown}</div>'

"""Panels of a picture: where it can be cut, so that a narrow screen shows them below each other."""

from __future__ import annotations

import base64
import html
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox, BboxBase

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
LEAST_STRIP_PX = 12
# Space that a legend keeps at both of its sides.
MARGIN_PX = 4

# Dark themes invert the lightness of pictures and keep their hues. White becomes #121212.
DARK_FILTER = "invert(0.93) hue-rotate(180deg)"
# Selectors of the dark themes of JupyterLab and Visual Studio Code. Pages have their own rule.
DARK_STYLE = (
    "<style>"
    '[data-jp-theme-light="false"] .workbook-picture img, .vscode-dark .workbook-picture img '
    f"{{ filter: {DARK_FILTER}; }}</style>"
)


class Box(NamedTuple):
    """A part of a picture, in pixels from its top left corner; nothing is drawn on a blank one."""

    left: int
    top: int
    right: int
    bottom: int
    is_blank: bool = False


# Where something is drawn: left, top, right and bottom.
Drawn = tuple[float, float, float, float]
Strip = Sequence[Box]
# A picture's strips: a panel is a PNG, and a blank part its width in pixels.
Panels = list[list[bytes | int]]


def strips_of(figure: Figure) -> list[Strip]:
    """Return the parts into which a drawn figure can be cut: strips below each other, of panels.

    A cut goes through no axes, label, title or legend. A colour bar stays with its axes, and so do
    axes without tick labels with those that have the labels for both.

    Args:
        figure: A figure with an Agg canvas that has drawn it.
    """
    canvas = figure.canvas
    width, height = int(figure.bbox.width), int(figure.bbox.height)
    drawn: list[Drawn] = [(0.0, 0.0, width, height)]
    if isinstance(canvas, FigureCanvasAgg) and len(figure.axes) > 1:
        drawn = _drawn_boxes(figure, canvas.get_renderer(), height)
    tops = _edges([(top, bottom) for _, top, _, bottom in drawn], height, LEAST_STRIP_PX)
    strips: list[Strip] = []
    for top, bottom in pairwise(tops):
        spans = [(left, right) for left, high, right, low in drawn if top <= high and low <= bottom]
        edges = _edges(spans, width, LEAST_PANEL_PX)
        before = strips[-1] if strips else ()
        if len(edges) == 2 and len(before) == 1:  # two strips of one panel are one
            strips[-1] = [Box(0, before[0].top, width, bottom)]
        else:
            strips.append([Box(left, top, right, bottom) for left, right in pairwise(edges)])
    if len(strips) > 1:
        strips = [_without_margins(strip, drawn, width) for strip in strips]
    return strips


def _drawn_boxes(figure: Figure, renderer: RendererAgg, height: int) -> list[Drawn]:
    """Return where axes, texts and legends are."""
    found: list[BboxBase] = []
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        if box is None or not axes.get_visible():
            continue
        lefts = [
            each for each in found if each.x1 <= box.x0 and each.y0 < box.y1 and box.y0 < each.y1
        ]
        if lefts and _belongs_to_the_left(axes):
            nearest = max(lefts, key=lambda each: each.x1)
            found.remove(nearest)
            box = Bbox.union([nearest, box])
        found.append(box)
    for artist in (*figure.texts, *figure.legends):
        box = artist.get_window_extent(renderer)
        if box.width:
            found.append(box)
    return [(box.x0, height - box.y1, box.x1, height - box.y0) for box in found]


def _belongs_to_the_left(axes: Axes) -> bool:
    is_shared = len(axes.get_shared_y_axes().get_siblings(axes)) > 1
    is_labelled = axes.yaxis.get_tick_params().get("labelleft", True)
    return axes.get_label() == "<colorbar>" or (is_shared and not is_labelled)


def _edges(spans: Sequence[tuple[float, float]], end: int, least: int) -> tuple[int, ...]:
    """Return the cuts in the middle of the gaps between spans, which leave parts of some size.

    >>> _edges([(420, 480), (10, 400), (500, 900)], 950, 200)
    (0, 410, 950)
    """
    edges, reach = [0], 0.0
    for start, stop in sorted(spans):
        middle = round((reach + start) / 2)
        wide = min(middle - edges[-1], end - middle) >= least
        if start > reach > 0 and wide:
            edges.append(middle)
        reach = max(reach, stop)
    return (*edges, end)


def _without_margins(strip: Strip, drawn: Sequence[Drawn], width: int) -> Strip:
    """Return a strip of one panel, such as a legend, with its margins as blank parts."""
    if len(strip) > 1:
        return strip
    (whole,) = strip
    inside = [box for box in drawn if whole.top <= box[1] and box[3] <= whole.bottom]
    left = max(0, int(min(box[0] for box in inside)) - MARGIN_PX)
    right = min(width, int(max(box[2] for box in inside)) + MARGIN_PX)
    parts = [
        whole._replace(right=left, is_blank=True),
        whole._replace(left=left, right=right),
        whole._replace(left=right, is_blank=True),
    ]
    return [part for part in parts if part.left < part.right]


def panels_html(panels: Panels, alt: str) -> str:
    """Return the panels of a picture as HTML, without files or requests.

    Panels of a strip stand side by side where there is room, else below each other. Where even one
    is too wide for its text to be read, it scrolls.

    Args:
        panels: Strips of panels, from top to bottom and from left to right.
        alt: Alternative text of the whole picture.
    """
    strips, said = [], alt
    for strip in panels:
        parts = []
        for part in strip:
            is_blank = isinstance(part, int)
            width = part if isinstance(part, int) else struct.unpack(">I", part[16:20])[0]
            least = round(LEAST_SCALE * width)
            image = "" if isinstance(part, int) else _image(part, said, least)
            said = said if is_blank else "Another part of the same picture."
            style = f"flex: {width} 1 {least}px; max-width: {width}px; overflow-x: auto"
            parts.append(f'<div style="{style}">{image}</div>')
        strips.append(f'<div style="display: flex; flex-wrap: wrap">{"".join(parts)}</div>')
    # As wide as its place, never wider: what is too wide scrolls within it.
    style = "width: 0; min-width: 100%"
    return f'<div class="workbook-picture" style="{style}">{"".join(strips)}</div>'


def _image(png: bytes, alt: str, least: int) -> str:
    data = base64.b64encode(png).decode()
    return (
        f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}" '
        f'style="display: block; width: 100%; max-width: none; min-width: {least}px">'
    )

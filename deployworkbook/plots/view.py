"""Fast updates of pictures: static parts are drawn once, moving parts on top of them.

Drawing a figure spends most of its time on axes, ticks and labels, which rarely change. A view
keeps them as an image, draws its moving artists on top (blitting), and encodes the result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import ArrayLike

from deployworkbook.plots.letters import draw_text
from deployworkbook.plots.palette_png import PaletteEncoder
from deployworkbook.plots.panels import Panels, Strip, strips_of
from deployworkbook.plots.picture import Picture

Result = TypeVar("Result")

Row = tuple[str, str]


class View(ABC, Generic[Result]):
    """A picture of results of one kind.

    A subclass creates its axes and artists once, in ``__init__``, adds the moving ones to
    ``moving``, as ``line`` and ``bars`` do, and changes them in ``update``.

    Args:
        picture: Figure with its axes.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.moving: list[Artist] = []
        self._still: Any = None
        self._encoder: PaletteEncoder | None = None
        self._strips: list[Strip] = []

    @abstractmethod
    def update(self, result: Result) -> bool:
        """Update the artists; return whether static parts, such as axes or titles, changed too."""

    @abstractmethod
    def describe(self, result: Result) -> str:
        """Return the alternative text: what the picture shows, in words."""

    @abstractmethod
    def table(self, result: Result) -> list[Row]:
        """Return the result's figures as rows of a name, and a value with its unit."""

    def line(self, axes: Axes, style: str = "-", **properties: Any) -> Line2D:
        """Add an empty line or markers that move; the arguments are those of ``Axes.plot``."""
        (line,) = axes.plot([], [], style, **properties)
        self.moving.append(line)
        return line

    def bars(self, axes: Axes, places: ArrayLike, width: float, **properties: Any) -> BarContainer:
        """Add bars that move; the arguments are those of ``Axes.bar``."""
        bars = axes.bar(places, np.zeros(np.shape(places)), width, **properties)
        self.moving.extend(bars)
        return bars

    def draw(self, result: Result) -> Panels:
        """Draw a result and encode its panels as PNGs."""
        still_changed = self.update(result)
        canvas = self.picture.canvas
        if self._encoder is None or still_changed:
            for artist in self.moving:
                artist.set_animated(True)
            canvas.draw()
            # Compute the layout only once, so that nothing jumps while values change.
            self.picture.set_layout_engine("none")
            self._still = canvas.copy_from_bbox(self.picture.bbox)
            self._encoder = PaletteEncoder(np.asarray(canvas.buffer_rgba()))
            # Once only as well, so that no panel's size changes.
            self._strips = self._strips or strips_of(self.picture)
        canvas.restore_region(self._still)
        renderer = canvas.get_renderer()
        for artist in sorted(self.moving, key=lambda each: each.get_zorder()):
            if isinstance(artist, Text):
                draw_text(artist, renderer)
            elif artist.get_visible():
                artist.draw(renderer)
        self.picture.alt = self.describe(result)
        return self._encoder.panels(np.asarray(canvas.buffer_rgba()), self._strips)

    def png(self) -> bytes:
        """Encode the whole picture of the result that was drawn last."""
        if self._encoder is None:
            return self.picture.png()
        return self._encoder.png(np.asarray(self.picture.canvas.buffer_rgba()))


def set_heights(bars: BarContainer, heights: Iterable[float]) -> None:
    """Change the heights of bars."""
    for bar, height in zip(bars, heights, strict=True):
        bar.set_height(height)


def move_ends(axes: Axes, left: float, right: float) -> bool:
    """Set the ends of the horizontal axis; return whether they have changed, for ``update``."""
    has_changed = axes.get_xlim() != (left, right)
    axes.set_xlim(left, right)
    return has_changed

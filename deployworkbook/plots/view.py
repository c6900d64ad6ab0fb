"""Fast updates of pictures: static parts are drawn once, moving parts on top of them.

Drawing a figure spends most of its time on axes, ticks and labels, which rarely change. A view
keeps them as an image, draws its moving artists on top (blitting), and encodes the result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.text import Text

from deployworkbook.plots.letters import draw_text
from deployworkbook.plots.palette_png import PaletteEncoder
from deployworkbook.plots.picture import Picture

Result = TypeVar("Result")

Row = tuple[str, str]


class View(ABC, Generic[Result]):
    """A picture of results of one kind.

    A subclass creates its axes and artists once, in ``__init__``, lists the moving ones in
    ``moving``, and changes them in ``update``.

    Args:
        picture: Figure with its axes.
    """

    moving: Sequence[Artist]

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self._still: Any = None
        self._encoder: PaletteEncoder | None = None

    @abstractmethod
    def update(self, result: Result) -> bool:
        """Update the artists; return whether static parts, such as axes or titles, changed too."""

    @abstractmethod
    def describe(self, result: Result) -> str:
        """Return the alternative text: what the picture shows, in words."""

    @abstractmethod
    def table(self, result: Result) -> list[Row]:
        """Return the result's figures as rows of a name, and a value with its unit."""

    def draw(self, result: Result) -> bytes:
        """Draw a result and encode it as PNG."""
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
        canvas.restore_region(self._still)
        renderer = canvas.get_renderer()
        for artist in sorted(self.moving, key=lambda each: each.get_zorder()):
            if isinstance(artist, Text):
                draw_text(artist, renderer)
            elif artist.get_visible():
                artist.draw(renderer)
        self.picture.alt = self.describe(result)
        return self._encoder.png(np.asarray(canvas.buffer_rgba()))

"""Fast drawing of small images in large pixels, without blending."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist, allow_rasterization
from matplotlib.axes import Axes
from numpy.typing import NDArray


class Pixels(Artist):
    """A grid of colours that fills its axes, the first row at the top.

    ``imshow`` computes with four floats per screen pixel, of which a large picture has hundreds of
    thousands; this copies a colour per screen pixel, in a seventh of the time.

    Args:
        axes: Axes to fill; their limits become the rows and columns, their aspect square.
        rows: Number of rows.
        columns: Number of columns.
    """

    def __init__(self, axes: Axes, rows: int, columns: int) -> None:
        super().__init__()
        self._box = axes.bbox
        self.colours: NDArray[np.uint8] = np.zeros((rows, columns, 4), np.uint8)
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal")
        axes.add_artist(self)

    @allow_rasterization  # type: ignore[untyped-decorator]  # matplotlib's stub leaves it so
    def draw(self, renderer: Any) -> None:
        """Copy the colours to the screen pixels of the axes."""
        left, bottom, right, top = np.rint(self._box.extents).astype(int)
        rows, columns = self.colours.shape[:2]
        height, width = top - bottom, right - left
        # One number per colour, so that a colour takes one copy.
        whole = np.ascontiguousarray(self.colours).view(np.uint32)[..., 0]
        dots = whole[np.arange(height) * rows // height][:, np.arange(width) * columns // width]
        context = renderer.new_gc()
        renderer.draw_image(
            context, left, bottom, dots[::-1].copy().view(np.uint8).reshape(height, width, 4)
        )
        context.restore()

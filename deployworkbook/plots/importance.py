"""The weights that pruning keeps, drawn per hidden unit as an image of its input pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist, allow_rasterization
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled_without_grid
from deployworkbook.plots.view import Row, View

SIDE_PIXELS = 28
ROWS, COLUMNS = 4, 8
GAP_PIXELS = 2
PRUNED = np.array([0xBB, 0xBB, 0xBB, 0xFF], np.uint8)


@dataclass(frozen=True, eq=False)
class ImportanceResult:
    """The data of a pruning plot.

    Args:
        criterion: Criterion by which weights were chosen.
        sparsity: Fraction to prune.
        weights: Weights of the first layer, shape ``[784, units]``.
        mask: Weights that are kept, the shape of ``weights``.
        kept_importance: Share of the total score that the kept weights have.
        ever_lit: Pixels that are not 0 in at least one image, shape ``[784]``.
    """

    criterion: str
    sparsity: float
    weights: NDArray[np.float64]
    mask: NDArray[np.bool_]
    kept_importance: float
    ever_lit: NDArray[np.bool_]

    @property
    def kept(self) -> int:
        """Number of weights that are kept."""
        return int(self.mask.sum())

    @property
    def wasted(self) -> int:
        """Number of kept weights whose pixel is 0 in every image."""
        return int(self.mask[~self.ever_lit].sum())


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


class ImportanceView(View[ImportanceResult]):
    """The first units' weights, and the share kept per pixel.

    Args:
        weights: Weights of the first layer, shape ``[784, units]``; they set the colour scale.
    """

    @styled_without_grid
    def __init__(self, weights: NDArray[np.float64]) -> None:
        reach = float(np.percentile(np.abs(weights), 99.5)) or 1.0
        scale = mpl.colormaps["RdBu_r"]
        self._coloured = scale(_tiled(weights, between=0.0) / (2 * reach) + 0.5, bytes=True)
        super().__init__(Picture(10, 4.2))
        fields, pixels = self.picture.subplots(1, 2, width_ratios=[2, 1])
        self._fields = Pixels(fields, _side(ROWS), _side(COLUMNS))
        fields.set_title("Weights of 32 units (grey: pruned)")
        self._shares = ScalarMappable(Normalize(0, 1), "cividis")
        self._pixels = Pixels(pixels, SIDE_PIXELS, SIDE_PIXELS)
        pixels.set_title("Share kept, by pixel")
        for axes in (fields, pixels):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        bar = self.picture.colorbar(self._shares, ax=pixels, shrink=0.8)
        bar.outline.set_edgecolor(COLOURS[0])
        self.moving = [self._fields, self._pixels]

    def update(self, result: ImportanceResult) -> bool:
        """Update the masks."""
        shown = _tiled(result.mask, between=False)
        self._fields.colours = np.where(shown[..., None], self._coloured, PRUNED)
        share = result.mask.mean(axis=1).reshape(SIDE_PIXELS, SIDE_PIXELS)
        self._pixels.colours = self._shares.to_rgba(share, bytes=True)
        return False

    def describe(self, result: ImportanceResult) -> str:
        """Describe how many weights are kept, and how many of them can never matter."""
        return (
            f"By {result.criterion} at a sparsity of {result.sparsity:.0%}, {result.kept:,} of "
            f"{result.mask.size:,} weights are kept, with {result.kept_importance:.1%} of all "
            f"importance; {result.wasted:,} of them belong to pixels that are always 0."
        )

    def table(self, result: ImportanceResult) -> list[Row]:
        """List the kept weights and their importance."""
        return [
            ("kept weights", f"{result.kept:,} of {result.mask.size:,}"),
            ("share of the importance kept", f"{result.kept_importance:.1%}"),
            ("kept weights of pixels that are always 0", f"{result.wasted:,}"),
        ]


def _side(tiles: int) -> int:
    return tiles * (SIDE_PIXELS + GAP_PIXELS) - GAP_PIXELS


def _tiled(values: NDArray[Any], *, between: float) -> NDArray[Any]:
    """Arrange the first units' values in a grid, with gaps between them."""
    canvas = np.full((_side(ROWS), _side(COLUMNS)), between, values.dtype)
    for unit in range(min(values.shape[1], ROWS * COLUMNS)):
        row, column = divmod(unit, COLUMNS)
        top, left = row * (SIDE_PIXELS + GAP_PIXELS), column * (SIDE_PIXELS + GAP_PIXELS)
        tile = values[:, unit].reshape(SIDE_PIXELS, SIDE_PIXELS)
        canvas[top : top + SIDE_PIXELS, left : left + SIDE_PIXELS] = tile
    return canvas

"""A classifier's results: the confusion matrix, and images with their predictions."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LogNorm
from numpy.typing import ArrayLike

from deployworkbook.plots.picture import STYLE, Picture


def confusion_picture(confusion: ArrayLike) -> Picture:
    """Draw a confusion matrix; mistakes are coloured by the logarithm of their number.

    Args:
        confusion: Counts, true classes in rows and predicted ones in columns, shape ``[k, k]``.
    """
    counts = np.asarray(confusion)
    classes = len(counts)
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    true, predicted = np.unravel_index(mistakes.argmax(), mistakes.shape)
    alt = (
        f"Confusion matrix of {counts.sum():,} images in {classes} classes: "
        f"{np.trace(counts):,} are right, {mistakes.sum():,} wrong."
    )
    if mistakes.any():
        times = mistakes[true, predicted]
        alt += f" The most frequent mistake takes {true} for {predicted}, {times} times."
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        picture = Picture(6, 5.2, alt=alt)
        axes = picture.subplots()
        shown = np.ma.masked_equal(mistakes, 0)
        scale = LogNorm(1, max(10, int(mistakes.max())))
        image = axes.imshow(shown, cmap="OrRd", norm=scale)
        for row, column in np.ndindex(counts.shape):
            count = counts[row, column]
            if row == column:
                axes.text(column, row, f"{count}", ha="center", va="center", fontweight="bold")
            elif count:
                # White numbers on dark cells.
                colour = "white" if scale(float(count)) > 0.6 else "black"
                axes.text(column, row, f"{count}", ha="center", va="center", color=colour)
        axes.set(xlabel="predicted", ylabel="true", xticks=range(classes), yticks=range(classes))
        axes.set_title("Images by true and predicted class")
        axes.spines[:].set_visible(False)
        picture.colorbar(image, label="mistakes (log scale)", shrink=0.8, format="%d")
    return picture


def labelled_images(images: ArrayLike, titles: list[str], *, columns: int = 6) -> Picture:
    """Draw small grey images in a grid, each under its title.

    Args:
        images: Images in 0 … 1, shape ``[n, height, width]``, n at least 1.
        titles: One title per image, of a line or two.
        columns: Number of images per row.
    """
    stack = np.asarray(images)
    rows = -(-len(stack) // columns)
    alt = f"{len(stack)} images: " + "; ".join(title.replace("\n", ", ") for title in titles) + "."
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        picture = Picture(1.4 * columns, 1.85 * rows, alt=alt)
        grid = np.atleast_1d(picture.subplots(rows, columns)).ravel()
        for axes in grid:
            axes.axis("off")
        for axes, image, title in zip(grid, stack, titles, strict=False):
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            axes.set_title(title, fontsize=10)
    return picture

"""Values per pixel, drawn as images."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import ScalarFormatter
from numpy.typing import ArrayLike

from deployworkbook.plots.picture import COLOURS, STYLE, Picture

SIDE_PIXELS = 28


def pixel_maps_picture(maps: Mapping[str, ArrayLike]) -> Picture:
    """Draw one value per pixel, as images side by side, each with its own scale.

    Args:
        maps: 784 values of at least 0, by the image's title.
    """
    parts = []
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        picture = Picture(3.4 * len(maps), 3.2)
        row = np.atleast_1d(picture.subplots(1, len(maps)))
        for axes, (title, values) in zip(row, maps.items(), strict=True):
            image = np.reshape(values, (SIDE_PIXELS, SIDE_PIXELS))
            drawn = axes.imshow(image, cmap="cividis", vmin=0)
            axes.set(xticks=[], yticks=[], title=title)
            axes.spines[:].set_visible(False)
            # Long labels on one colour bar would push the next image away.
            decimals = ScalarFormatter()
            decimals.set_powerlimits((-2, 3))
            bar = picture.colorbar(drawn, ax=axes, shrink=0.75, format=decimals)
            bar.outline.set_edgecolor(COLOURS[0])
            middle = image[7:21, 7:21].mean()
            border = (image.sum() - image[7:21, 7:21].sum()) / (image.size - 14**2)
            parts.append(
                f"{title.replace(chr(10), ' ')}: {middle:.3g} on average in the middle, "
                f"{border:.3g} around it"
            )
        picture.alt = f"Maps of the 28 by 28 pixels. {'; '.join(parts)}."
    return picture

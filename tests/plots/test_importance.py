"""Large pixels are where they belong, and equal matplotlib's own."""

import numpy as np

from deployworkbook.plots.importance import Pixels
from deployworkbook.plots.picture import Picture

COLOURS = np.random.default_rng(0).integers(0, 256, (7, 5, 4)).astype(np.uint8)
COLOURS[..., 3] = 255


def drawn(fill):
    picture = Picture(3, 3)
    picture.set_layout_engine("none")
    axes = picture.add_axes((0.1, 0.1, 0.8, 0.8))
    axes.set_axis_off()
    fill(axes)
    picture.canvas.draw()
    return np.asarray(picture.canvas.buffer_rgba()).copy()


def test_pixels_equal_imshow_except_at_borders():
    def ours(axes):
        Pixels(axes, 7, 5).colours = COLOURS

    def library(axes):
        axes.imshow(COLOURS, interpolation="nearest")

    # 7 rows share 240 dots: where a border falls within a dot, it may round to either side. A dot
    # at each of 4 inner borders of columns and 6 of rows, of 171 and 240, and one around.
    differ = (drawn(ours) != drawn(library)).any(axis=-1)
    assert differ.sum() <= 240 * (4 + 2) + 172 * (6 + 2)
    assert (drawn(ours) != 255).any()

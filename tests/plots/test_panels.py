"""Pictures are cut into panels for narrow screens, and can be read there and in dark themes."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from deployworkbook.plots.panels import (
    LEAST_SCALE,
    SMALLEST_SEEN_PT,
    SMALLEST_TEXT_PT,
    panels_html,
    strips_of,
)
from deployworkbook.plots.parabola import parabola_paths
from deployworkbook.plots.picture import Picture, styled
from deployworkbook.plots.training import labelled_images

PAPER = (255, 255, 255)


@styled
def two_panels(**options):
    picture = Picture(9, 3)
    for axes in picture.subplots(1, 2, **options):
        axes.set(title="Some title", ylabel="loss")
        axes.plot([0, 1], [3, 4])
    return picture


def pixels(part, height=0):
    if isinstance(part, int):
        return np.full((height, part, 3), 255)
    return np.asarray(Image.open(io.BytesIO(part)).convert("RGB"))


def put_together(strips):
    """The picture of which these are the parts."""
    rows = []
    for strip in strips:
        height = max(len(pixels(part)) for part in strip if not isinstance(part, int))
        rows.append(np.concatenate([pixels(part, height) for part in strip], axis=1))
    return np.concatenate(rows)


def test_panels_side_by_side_are_the_picture():
    picture = two_panels()
    panels = picture.panels()
    assert [len(strip) for strip in panels] == [2]
    np.testing.assert_array_equal(put_together(panels), pixels(picture.png()))
    # A cut goes through nothing but paper.
    for panel in panels[0]:
        assert (pixels(panel)[:, [0, -1]] == PAPER).all()


def test_a_legend_for_all_panels_and_a_note_are_strips_without_their_margins():
    picture = two_panels()
    picture.legend([picture.axes[0].lines[0]], ["loss"], loc="outside upper center")
    picture.supxlabel("A note about both.")
    legend, panels, note = picture.panels()
    for strip in (legend, note):
        left, middle, right = strip
        assert pixels(middle).shape[1] < 200
        assert left + right > 700
    assert len(panels) == 2
    np.testing.assert_array_equal(put_together([legend, panels, note]), pixels(picture.png()))


def test_rows_of_panels_are_strips():
    picture = labelled_images(np.zeros((12, 28, 28)), [f"digit {i}" for i in range(12)])
    strips = picture.panels()
    assert len(strips) == 2
    np.testing.assert_array_equal(put_together(strips), pixels(picture.png()))


def test_nothing_that_belongs_together_is_cut():
    for picture in (
        Picture(9, 3),
        two_panels(sharey=True),  # one panel has the tick labels of both
        parabola_paths({0.1: [1.0, 0.5]}),
    ):
        assert [len(strip) for strip in picture.panels()] == [1]
    with_bar = two_panels()
    image = with_bar.axes[0].imshow(np.eye(2))
    with_bar.colorbar(image, ax=with_bar.axes[0])
    with_bar.canvas.draw()
    ((left, _),) = strips_of(with_bar)
    bar, right = with_bar.axes[2], with_bar.axes[1]
    assert bar.get_window_extent().x1 < left.right < right.get_window_extent().x0


def test_each_panel_of_paths_has_its_own_labels():
    picture = parabola_paths({rate: [1.0, 0.5] for rate in (0.1, 0.2, 0.3)})
    assert [len(strip) for strip in picture.panels()] == [3]


def test_a_panel_is_never_shrunk_below_the_smallest_text_that_can_be_read():
    html = panels_html(two_panels().panels(), "Two")
    widths = [int(width) for width in re.findall(r"max-width: (\d+)px", html)]
    least = [int(width) for width in re.findall(r"min-width: (\d+)px", html)]
    assert sum(widths) == 900
    for width, smallest in zip(widths, least, strict=True):
        seen_pt = SMALLEST_TEXT_PT * 100 / 96 * smallest / width
        assert seen_pt == pytest.approx(SMALLEST_SEEN_PT, rel=0.01)
    assert LEAST_SCALE < 1

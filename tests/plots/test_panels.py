"""Pictures are cut into panels for narrow screens, and can be read there and in dark themes."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from deployworkbook.plots.panels import (
    DARK_FILTER,
    LEAST_SCALE,
    SMALLEST_SEEN_PT,
    SMALLEST_TEXT_PT,
    panel_edges,
    panels_html,
)
from deployworkbook.plots.parabola import parabola_paths
from deployworkbook.plots.picture import COLOURS, Picture, styled

PAPER = (255, 255, 255)


@styled
def two_panels(**options):
    picture = Picture(9, 3)
    for axes in picture.subplots(1, 2, **options):
        axes.set(title="Some title", ylabel="loss")
        axes.plot([0, 1], [3, 4])
    return picture


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_panels_side_by_side_are_the_picture():
    picture = two_panels()
    panels = [pixels(png) for png in picture.panels()]
    assert len(panels) == 2
    np.testing.assert_array_equal(np.concatenate(panels, axis=1), pixels(picture.png()))
    # A cut goes through nothing but paper.
    for panel in panels:
        assert (panel[:, [0, -1]] == PAPER).all()


def test_nothing_that_belongs_together_is_cut():
    for picture in (
        Picture(9, 3),
        two_panels(sharey=True),  # one panel has the tick labels of both
        parabola_paths({0.1: [1.0, 0.5]}),
    ):
        assert len(picture.panels()) == 1
    titled = two_panels()
    titled.suptitle("A title as long as both of the panels together, so that it lies over the gap")
    assert len(titled.panels()) == 1
    with_bar = two_panels()
    image = with_bar.axes[0].imshow(np.eye(2))
    with_bar.colorbar(image, ax=with_bar.axes[0])
    with_bar.canvas.draw()
    (_, cut, _) = panel_edges(with_bar)
    bar, right = with_bar.axes[2], with_bar.axes[1]
    assert bar.get_window_extent().x1 < cut < right.get_window_extent().x0


def test_each_panel_of_paths_has_its_own_labels():
    picture = parabola_paths({rate: [1.0, 0.5] for rate in (0.1, 0.2, 0.3)})
    assert len(picture.panels()) == 3


def test_a_panel_is_never_shrunk_below_the_smallest_text_that_can_be_read():
    html = panels_html(two_panels().panels(), "Two")
    widths = [int(width) for width in re.findall(r"max-width: (\d+)px", html)]
    least = [int(width) for width in re.findall(r"min-width: (\d+)px", html)]
    assert sum(widths) == 900
    for width, smallest in zip(widths, least, strict=True):
        seen_pt = SMALLEST_TEXT_PT * 100 / 96 * smallest / width
        assert seen_pt == pytest.approx(SMALLEST_SEEN_PT, rel=0.01)
    assert LEAST_SCALE < 1


def in_the_dark(colour):
    """A colour after the filters, as the CSS filter effects module defines them."""
    share = float(re.search(r"invert\(([\d.]+)\)", DARK_FILTER)[1])
    inverted = share - (2 * share - 1) * np.asarray(colour, float) / 255
    # hue-rotate(180deg): the cosine is -1 and the sine 0.
    grey = np.array([0.213, 0.715, 0.072])
    return np.clip(2 * inverted @ grey - inverted, 0, 1)


def luminance(share):
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(first, second):
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_in_dark_themes_paper_is_dark_and_ink_can_be_read():
    paper = in_the_dark(PAPER)
    assert luminance(paper) < 0.01
    assert contrast(in_the_dark((0, 0, 0)), paper) >= 7
    # Graphics need 3:1 by WCAG 2.
    for colour in COLOURS:
        dots = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
        assert contrast(in_the_dark(dots), paper) >= 3, colour


def test_edges_cover_the_picture():
    picture = two_panels()
    picture.canvas.draw()
    edges = panel_edges(picture)
    assert edges[0] == 0
    assert edges[-1] == 900
    assert all(right > left for left, right in pairwise(edges))

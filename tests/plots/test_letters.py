"""Texts from letters stand where matplotlib's stand, and look like them."""

import matplotlib as mpl
import numpy as np
import pytest

from deployworkbook.plots.letters import draw_text
from deployworkbook.plots.picture import STYLE, Picture

WORDS = "12,346.5 USD; the best (µs) Wa ly"


def dots_of(draw, words=WORDS, **properties):
    """Darkness of a picture's dots, 0 for white, with one text drawn."""
    with mpl.rc_context(STYLE):
        picture = Picture(5, 1)
        picture.canvas.draw()
        text = picture.text(**{"x": 0.5, "y": 0.5, "s": words} | properties)
        draw(text, picture.canvas.get_renderer())
        return 255 - np.asarray(picture.canvas.buffer_rgba())[..., :3].astype(int)


def library(text, renderer):
    text.draw(renderer)


def edges(dots):
    """First and last row and column that are not white."""
    rows, columns = np.nonzero(dots.any(axis=-1))
    return np.array([rows.min(), rows.max(), columns.min(), columns.max()])


@pytest.mark.parametrize("size", [10, 11, 14])
@pytest.mark.parametrize("side", ["left", "center", "right"])
@pytest.mark.parametrize("height", ["baseline", "center"])
def test_text_is_where_matplotlib_puts_it(size, side, height):
    properties = {"fontsize": size, "ha": side, "va": height}
    ours = dots_of(draw_text, **properties)
    theirs = dots_of(library, **properties)
    # Letters begin at whole dots, and pairs are not moved closer.
    assert np.abs(edges(ours) - edges(theirs)).max() <= 2
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.05)


@pytest.mark.parametrize("letter", ["8", "W", "l", "µ", "≥"])
def test_a_letter_resembles_matplotlibs(letter):
    ours, theirs = dots_of(draw_text, letter, x=0.1), dots_of(library, letter, x=0.1)
    shifts = [
        np.abs(np.roll(ours, (down, right), (0, 1)) - theirs).sum()
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    ]
    assert theirs.sum() > 0
    # The library begins a letter at parts of a dot too.
    assert min(shifts) < 0.45 * theirs.sum()


def test_colour_and_opacity_are_applied():
    dark = dots_of(draw_text, color="#ff0000")
    pale = dots_of(draw_text, color="#ff0000", alpha=0.5)
    assert dark[..., 0].max() == 0
    assert dark[..., 1].max() == dark[..., 2].max() > 250
    assert pale.max() == pytest.approx(dark.max() / 2, abs=2)


@pytest.mark.parametrize(
    "properties",
    [
        {"words": "two\nlines"},
        {"words": "$x^2$"},
        {"rotation": 30},
        {"va": "top"},
        {"bbox": {"facecolor": "0.9"}},
    ],
)
def test_other_texts_are_drawn_by_matplotlib(properties):
    ours, theirs = dots_of(draw_text, **properties), dots_of(library, **properties)
    assert np.array_equal(ours, theirs)
    assert ours.any()


@pytest.mark.parametrize(
    "properties", [{"words": ""}, {"visible": False}, {"x": np.nan}, {"x": 7.0}]
)
def test_invisible_texts_are_not_drawn(properties):
    assert not dots_of(draw_text, **properties).any()


def test_text_is_clipped_at_the_pictures_edge():
    dots = dots_of(draw_text, x=0.9)
    assert dots[:, -1].any()

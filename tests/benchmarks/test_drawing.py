"""Drawing what changes, against matplotlib and Pillow that draw and encode it all."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from deployworkbook.plots.letters import draw_text
from deployworkbook.plots.palette_png import PaletteEncoder
from deployworkbook.plots.picture import STYLE, Picture

pytestmark = pytest.mark.timing


def test_letters_against_the_library_s_text(compare):
    """Seen: 13 times."""
    with mpl.rc_context(STYLE):
        picture = Picture(6, 3)
        text = picture.text(0.1, 0.5, "")
        picture.canvas.draw()
    renderer = picture.canvas.get_renderer()
    amounts = iter(range(10**6))

    def write(draw):
        text.set_text(f"{1.37 * next(amounts):.2f} USD per month")
        draw(text, renderer)

    ratio = compare(
        lambda: write(draw_text),
        lambda: write(lambda each, to: each.draw(to)),
        group="text",
        against="matplotlib's",
        rounds=50,
    )
    assert ratio > 4


def test_the_dots_that_changed_against_all(compare):
    """Seen: twice as fast, the compression of the file included."""
    with mpl.rc_context(STYLE):
        picture = Picture(10, 4.2)
        axes = picture.subplots()
        axes.set(title="Still", xlabel="x", ylabel="y")
        picture.canvas.draw()
        still = np.asarray(picture.canvas.buffer_rgba()).copy()
        axes.plot([0, 0.3, 1], [0, 0.8, 1], lw=3)
        picture.canvas.draw()
    moved = np.asarray(picture.canvas.buffer_rgba()).copy()
    encoder = PaletteEncoder(still)

    def all_dots():
        few = Image.fromarray(moved).convert("RGB")
        buffer = io.BytesIO()
        few.quantize(256, Image.Quantize.FASTOCTREE).save(buffer, "png", compress_level=1)

    ratio = compare(
        lambda: encoder.png(moved), all_dots, group="png", against="all dots", rounds=20
    )
    assert ratio > 1.2

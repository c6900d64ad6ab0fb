"""Pictures with a palette are what they were made from, nearly, whatever has changed."""

import io

import numpy as np
import pytest
from PIL import Image

from deployworkbook.plots.palette_png import PaletteEncoder

HEIGHT, WIDTH = 60, 90


def decoded(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def picture(colours, seed=0):
    """Dots of random colours out of some."""
    generator = np.random.default_rng(seed)
    chosen = np.asarray(colours, np.uint8)[generator.integers(0, len(colours), (HEIGHT, WIDTH))]
    return np.dstack([chosen, np.full((HEIGHT, WIDTH, 1), 255, np.uint8)])


GREYS = np.repeat(np.arange(256)[:, np.newaxis], 3, axis=1)


@pytest.fixture
def still():
    return picture(GREYS)


def test_the_still_picture_is_encoded_closely(still):
    assert np.abs(decoded(PaletteEncoder(still).png(still)) - still[..., :3]).max() < 16


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 1.0])
def test_changed_and_unchanged_pixels_are_encoded_closely(still, share):
    moved = still.copy()
    rows = round(share * HEIGHT) or 1
    moved[:rows] = picture([(0, 114, 178), (213, 94, 0), (0, 158, 115), (255, 255, 255)])[:rows]
    assert np.abs(decoded(PaletteEncoder(still).png(moved)) - moved[..., :3]).max() < 16


def test_pictures_do_not_affect_later_ones(still):
    encoder = PaletteEncoder(still)
    moved = still.copy()
    moved[5:20, 5:20, :3] = (213, 94, 0)
    before = encoder.png(still)
    assert encoder.png(moved) != before
    assert encoder.png(still) == before


def test_thousands_of_changing_colours_are_close_on_average(still):
    moved = still.copy()
    every = np.random.default_rng(1).integers(0, 256, (4000, 3))
    moved[:20] = picture(every)[:20]
    error = np.abs(decoded(PaletteEncoder(still).png(moved)) - moved[..., :3])
    assert error.max() < 80
    assert error[:20].mean() < 20
    assert error[20:].max() < 16

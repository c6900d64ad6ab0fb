"""The colours of pictures can be told from the paper and from each other, in light and dark."""

import re
from itertools import combinations
from pathlib import Path

import pytest

import deployworkbook.plots
from deployworkbook.plots.picture import COLOURS
from tests.plots.colours import (
    FORMS,
    GRAPHICS,
    SIGHTS,
    TEXT,
    contrast,
    distance,
    in_the_dark,
    least_contrast,
    luminance,
    on_white,
)

SOURCES = sorted(Path(deployworkbook.plots.__file__).parent.glob("*.py"))


def test_in_dark_themes_paper_is_dark_and_ink_can_be_read():
    assert luminance(in_the_dark("white")) < 0.01
    assert contrast(in_the_dark("black"), in_the_dark("white")) >= 7


def test_each_colour_can_be_told_from_the_paper_and_the_first_four_can_be_read():
    assert all(least_contrast(colour) >= GRAPHICS for colour in COLOURS)
    assert all(least_contrast(colour) >= TEXT for colour in COLOURS[:4])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sight", SIGHTS)
def test_all_readers_can_tell_them_from_each_other(form, sight):
    seen = [FORMS[form](colour) for colour in COLOURS]
    assert min(distance(*pair, SIGHTS[sight]) for pair in combinations(seen, 2)) >= 9


def test_the_lightnesses_of_okabe_and_ito_look_alike_in_the_dark():
    purple, sky = in_the_dark("#CC79A7"), in_the_dark("#56B4E9")
    assert distance(purple, sky, SIGHTS["no long ones"]) < 4
    assert distance(purple, sky, SIGHTS["all cones"]) > 10
    assert contrast(on_white("#56B4E9"), on_white("white")) < GRAPHICS


def test_greys_of_lines_and_texts_can_be_told_from_the_paper():
    # Fills may be paler where their edge is not.
    for path in SOURCES:
        for grey in re.findall(r'(?<!face)color="(0\.\d+|#\w{6})"', path.read_text()):
            assert least_contrast(grey) >= GRAPHICS, f"{path.name}: {grey}"

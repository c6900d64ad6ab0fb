"""The picture of a machine's roofline."""

import numpy as np
import pytest

from deployworkbook.plots.roofline import roofline_picture

POINTS = {"decode": (2.0, 15e9), "prefill": (500.0, 60e9)}


def test_points_stand_where_they_were_measured_under_the_roof():
    picture = roofline_picture(POINTS, operations_per_s=100e9, bytes_per_s=10e9)
    (axes,) = picture.axes
    roof, ridge, decode, prefill = axes.get_lines()
    # The ridge is at 10 operations per byte.
    assert list(roof.get_xdata())[1] == ridge.get_xdata()[0] == 10.0
    assert list(roof.get_ydata()) == pytest.approx([2 / 3 * 10, 100, 100])
    assert (decode.get_xdata()[0], decode.get_ydata()[0]) == (2.0, 15.0)
    assert (prefill.get_xdata()[0], prefill.get_ydata()[0]) == (500.0, 60.0)


def test_the_description_says_how_much_of_the_roof_is_reached():
    picture = roofline_picture(POINTS, operations_per_s=100e9, bytes_per_s=10e9)
    # 15 of the 20 that 2 operations per byte allow, and 60 of 100.
    assert "decode: 75% of what memory allows" in picture.alt
    assert "prefill: 60% of what arithmetic allows" in picture.alt
    assert "ridge at 10 operations per byte" in picture.alt


def test_a_kernels_curve_reaches_half_of_its_own_corner():
    kernels = {"int8": (50e9, 5e9)}
    picture = roofline_picture(POINTS, operations_per_s=100e9, bytes_per_s=10e9, kernels=kernels)
    curve = picture.axes[0].get_lines()[1]
    # At 10 operations per byte, reading and computing take equally long.
    found = np.interp(10.0, curve.get_xdata(), curve.get_ydata())
    assert found == pytest.approx(25, rel=0.01)
    assert "The kernel of int8 reaches 50 · 10⁹ operations and 5 GB per second." in picture.alt

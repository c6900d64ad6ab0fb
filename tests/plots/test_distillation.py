"""The pictures of distillation."""

import numpy as np

from deployworkbook.compression.students import StudentComparison
from deployworkbook.plots.distillation import gradient_norms, students_picture


def test_gradient_norms_draw_each_curve_on_logarithmic_axes():
    picture = gradient_norms([1, 2, 4], {"KL": [1.0, 0.25, 0.0625], "T² KL": [1.0, 1.0, 1.0]})
    (axes,) = picture.axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[1, 0.25, 0.0625], [1, 1, 1]]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert "KL from 1 to 0.062" in picture.alt
    assert picture.png()


def test_students_show_each_pair_and_the_interval():
    alone, distilled = np.array([0.90, 0.91, 0.92]), np.array([0.91, 0.92, 0.94])
    pairs = StudentComparison(16, 100, (), (), alone, distilled)
    picture = students_picture({"16 hidden units": pairs, "the same again": pairs})
    left, right = picture.axes
    np.testing.assert_allclose(left.lines[0].get_xdata(), 100 * alone)
    np.testing.assert_allclose(left.lines[1].get_xdata(), 100 * distilled)
    np.testing.assert_allclose(right.lines[0].get_xdata(), 100 * (distilled - alone))
    low, high = pairs.interval
    (bar,) = right.collections[0].get_segments()
    np.testing.assert_allclose(bar[:, 0], [100 * low, 100 * high])
    assert f"from {100 * low:+.2f} to {100 * high:+.2f} points" in picture.alt
    assert picture.png()

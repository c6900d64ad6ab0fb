"""The pictures of compression: what they draw, and what their alternative texts say."""

import numpy as np
import pytest

from deployworkbook.compression.students import StudentComparison
from deployworkbook.plots.compression import (
    accuracy_by_sparsity,
    gradient_norms,
    pixel_maps_picture,
    relative_bars,
    sparsity_schedules,
    students_picture,
)


def test_a_map_shows_each_pixel_on_a_scale_from_0():
    values = np.arange(784.0)
    picture = pixel_maps_picture({"first": values, "second": np.ones(784)})
    image = picture.axes[0].images[0]
    np.testing.assert_array_equal(image.get_array(), values.reshape(28, 28))
    assert image.get_clim() == (0, 783)
    assert [axes.get_title() for axes in picture.axes[:2]] == ["first", "second"]


def test_a_maps_text_has_the_means_of_middle_and_border():
    values = np.zeros((28, 28))
    values[7:21, 7:21] = 2.0
    assert (
        "share kept: 2 on average in the middle, 0 around it"
        in pixel_maps_picture({"share\nkept": values}).alt
    )


def test_schedules_are_drawn_and_described_at_three_steps():
    picture = sparsity_schedules([0, 1, 2], {"cubic": [0, 0.7, 0.8], "constant": [0.8] * 3})
    (axes,) = picture.axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[0, 0.7, 0.8], [0.8] * 3]
    assert "cubic 0%, 70% and 80%; constant 80%, 80% and 80%" in picture.alt


def test_accuracies_are_drawn_over_the_sparsities():
    picture = accuracy_by_sparsity(
        [0.5, 0.9], {"Fisher": [0.97, 0.9], "magnitude": [0.96, 0.5]}, title="One cut"
    )
    (axes,) = picture.axes
    assert axes.lines[0].get_xydata().tolist() == [[0.5, 0.97], [0.9, 0.9]]
    assert axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()
    assert "magnitude from 96.0% to 50.0%" in picture.alt


def test_bars_are_relative_to_the_first_variant():
    costs = {"file": [400, 400, 200], "zipped": [300.0, 30.0, 150.0]}
    picture = relative_bars(["float32", "pruned", "smaller"], costs)
    (axes,) = picture.axes
    widths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    assert widths == [[1, 1, 0.5], pytest.approx([1, 0.1, 0.5])]
    assert "pruned: file 100%, zipped 10%" in picture.alt
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["100%", "100%", "50%", "100%", "10%", "50%"]


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

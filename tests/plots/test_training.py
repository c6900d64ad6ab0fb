"""Loss curves of several trainings."""

import pytest

from deployworkbook.plots.training import SMALLEST_DIFFERENCE, difference_curves, loss_curves


def test_loss_curves_are_running_means():
    picture = loss_curves({"a": [4.0, 2.0, 0.0], "b": [1.0, 1.0, 1.0]}, window=2)
    (axes,) = picture.axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[3.0, 1.0], [1.0, 1.0]]
    assert axes.lines[0].get_xdata().tolist() == [2, 3]
    assert "a from 3.00 to 1.00" in picture.alt


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_steps_than_the_window_are_drawn(count):
    picture = loss_curves({"a": [2.0] * count}, window=10)
    assert picture.axes[0].lines[0].get_ydata().tolist() == [2.0]


def test_difference_curves_have_a_colour_per_training_and_a_line_style_per_comparison():
    differences = {"GD": {"a": [1e-7, 1e-6], "b": [0.0, 1e-15]}, "Adam": {"a": [1e-5, 1e-4]}}
    picture = difference_curves(differences)
    first, second, third = picture.axes[0].lines
    assert first.get_color() == second.get_color() != third.get_color()
    assert first.get_linestyle() == third.get_linestyle() != second.get_linestyle()
    assert second.get_ydata().tolist() == [SMALLEST_DIFFERENCE, 1e-15]
    assert "GD, a: 1e-07 at first, 1e-06 at most" in picture.alt

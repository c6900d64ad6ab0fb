"""Stacked bars: their axis follows the longest row, but not every small move."""

from types import SimpleNamespace

from deployworkbook.plots.picture import Picture
from deployworkbook.plots.stacked import StackedBars


def test_an_axis_grows_at_once_and_shrinks_only_when_it_is_four_times_too_long():
    bars = StackedBars(SimpleNamespace(moving=[]), Picture(4, 2).subplots(), {"a": ["black"]})

    def moved_to(cost):
        return bars.update([[cost]]), bars.axes.get_xlim()[1]

    assert moved_to(100.0) == (True, 200.0)
    assert moved_to(80.0) == (False, 200.0)  # 100 would do
    assert moved_to(180.0) == (True, 500.0)
    assert moved_to(130.0) == (False, 500.0)
    assert moved_to(120.0) == (True, 200.0)
    assert moved_to(float("inf")) == (True, 2.0)  # cannot serve

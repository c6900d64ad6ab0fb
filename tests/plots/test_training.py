"""Loss curves of several trainings."""

import pytest

from deployworkbook.plots.training import loss_curves, schedule_curves, work_curves


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


def test_work_curves_place_each_loss_at_the_work_done():
    picture = work_curves(
        {"all at once": ([0, 1, 2], [1.0, 0.5, 0.4]), "batches": ([0, 2], [1.0, 0.01])},
        work="passes",
        title="Loss",
    )
    first, second = picture.axes[0].lines
    assert first.get_xdata().tolist() == [0, 1, 2]
    assert second.get_ydata().tolist() == [1.0, 0.01]
    assert first.get_linestyle() != second.get_linestyle()
    assert "batches from 1 to 0.01 after 2" in picture.alt


def test_schedules_are_drawn_from_first_to_last_step():
    picture = schedule_curves({"constant": [0.3, 0.3, 0.3], "falling": [0.3, 0.15, 0.0]})
    lines = picture.axes[0].lines
    assert [line.get_xdata().tolist() for line in lines] == [[0.0, 0.5, 1.0]] * 2
    assert "falling 0.3 at first, 0.15 halfway, 0 at last" in picture.alt

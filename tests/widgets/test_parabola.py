"""The parabola explorer: halving, bouncing, diverging."""

import numpy as np
import pytest

from deployworkbook.widgets.parabola import MOST_STEPS, compute_parabola, parabola_explorer


@pytest.mark.parametrize(
    ("rate", "path", "verdict"),
    [
        (0.25, [4, 2, 1, 0.5], "comes closer"),  # 1 - 0.25 · 2 = 0.5
        (0.5, [4, 0, 0, 0], "reaches the bottom in one step"),
        (0.75, [4, -2, 1, -0.5], "overshoots, and comes closer"),
        (1.0, [4, -4, 4, -4], "bounces for ever"),
        (1.1, [4, -4.8, 5.76, -6.912], "diverges: every bounce is higher"),
    ],
)
def test_a_step_on_theta_squared_by_hand(rate, path, verdict):
    explorer = parabola_explorer()
    result = explorer.set(learning_rate=rate, steps=3)
    np.testing.assert_allclose(result.path, path, atol=1e-12)
    assert dict(explorer._view.table(result))["the path"] == verdict


@pytest.mark.parametrize("curvature", [0.5, 2.0, 4.0])
def test_it_diverges_beyond_two_divided_by_the_curvature(curvature):
    below, above = (
        compute_parabola(learning_rate=share * 2 / curvature, curvature=curvature, steps=20).path
        for share in (0.9, 1.1)
    )
    assert abs(below[-1]) < abs(below[0]) < abs(above[-1])


def test_far_points_are_drawn_within_reach():
    explorer = parabola_explorer()
    result = explorer.set(learning_rate=1.2, curvature=4.0, steps=MOST_STEPS)
    assert abs(result.path[-1]) > 1e6
    assert abs(explorer._view._path.get_xdata()).max() < 1e3
    assert explorer._view._distance.get_ydata().max() == 1e6

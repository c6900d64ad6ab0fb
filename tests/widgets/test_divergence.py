"""The divergence explorer: how far a prediction moves with its only weight."""

import numpy as np
import pytest

from deployworkbook.widgets.divergence import compute_divergence, divergence_explorer


def test_the_divergence_is_the_one_computed_by_hand():
    # From P = ½ to P = 3/4, since log 3 is the logit: ½ log(½ / ¾) + ½ log(½ / ¼) = ½ log(4/3).
    result = compute_divergence(weight=0.0, pixel=1.0, move=np.log(3))
    np.testing.assert_allclose(result.after, [0.75, 0.25])
    assert result.divergence == pytest.approx(0.5 * np.log(4 / 3))


@pytest.mark.parametrize("weight", [-2.0, 0.0, 1.5])
@pytest.mark.parametrize("pixel", [0.5, 1.0])
def test_the_information_is_pixel_squared_times_both_probabilities(weight, pixel):
    result = compute_divergence(weight=weight, pixel=pixel, move=0.0)
    assert result.information == pytest.approx(pixel**2 * result.before.prod())
    assert result.divergence == 0


@pytest.mark.parametrize("weight", [-2.0, 0.0, 1.5])
def test_near_zero_the_parabola_is_the_divergence(weight):
    # The next term of the series is of third order: a tenth of the move, a tenth of the error.
    errors = []
    for move in (0.01, 0.001):
        result = compute_divergence(weight=weight, pixel=1.0, move=move)
        errors.append(abs(result.divergence / float(result.parabola(move)) - 1))
    assert errors[0] < 0.01
    assert errors[1] < errors[0] / 5


def test_a_black_pixel_moves_nothing():
    result = divergence_explorer().set(pixel=0.0, move=4.0)
    assert result.information == result.divergence == 0
    assert not result.divergences.any()


def test_the_controls_go_to_their_ends():
    explorer = divergence_explorer()
    for weight in (-4.0, 4.0):
        for move in (-4.0, 4.0):
            result = explorer.set(weight=weight, move=move, pixel=1.0)
            assert f"{result.divergence:.3f} nats" in explorer._view.picture.alt

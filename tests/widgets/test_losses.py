"""The loss explorer shows what the formulas say."""

import numpy as np
import pytest

from deployworkbook.widgets.losses import compute_losses, loss_explorer


def test_losses_are_those_computed_by_hand():
    # Equal logits: each class has a third. Cross-entropy is ln 3; the squared error is
    # ((2/3)² + 2 (1/3)²) / 3 = 2/9; the gradient of cross-entropy is p - y.
    result = compute_losses("cat", cat=0.0, dog=0.0, bird=0.0)
    assert result.cross_entropy == pytest.approx(np.log(3))
    assert result.squared_error == pytest.approx(2 / 9)
    np.testing.assert_allclose(result.cross_entropy_gradient, [-2 / 3, 1 / 3, 1 / 3])


@pytest.mark.parametrize("name", ["cat", "dog", "bird"])
def test_gradients_are_those_of_the_losses(name):
    logits = {"cat": 0.3, "dog": -1.2, "bird": 2.0}
    result = compute_losses(name, **logits)
    step = 1e-6
    for index, moved in enumerate(logits):
        up = compute_losses(name, **logits | {moved: logits[moved] + step})
        down = compute_losses(name, **logits | {moved: logits[moved] - step})
        # Central differences: an error of about step², and of rounding / step.
        slope = (up.squared_error - down.squared_error) / (2 * step)
        assert result.squared_error_gradient[index] == pytest.approx(slope, abs=1e-8)


def test_the_squared_error_of_a_confident_mistake_has_almost_no_gradient():
    explorer = loss_explorer()
    result = explorer.set(true_class="cat", cat=-10.0, dog=10.0)
    assert result.cross_entropy_gradient[0] == pytest.approx(-1, abs=1e-6)
    assert abs(result.squared_error_gradient[0]) < 1e-6
    assert "pushes its logit with 1.000" in explorer._view.picture.alt

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize
from sklearn.datasets import load_diabetes

from deployworkbook.formulas.surfaces import (
    beale,
    linear_regression,
    quadratic_bowl,
    rosenbrock,
    saddle,
)


def regression_on_diabetes():
    """Disease progression by body-mass index: real data, bundled with scikit-learn."""
    data = load_diabetes(scaled=False)
    index = data.data[:, 2]
    inputs = np.stack([np.ones_like(index), index], axis=1)
    return linear_regression(inputs, data.target, name="Diabetes"), inputs, data.target


SURFACES = [quadratic_bowl(30.0), saddle(), rosenbrock(), beale(), regression_on_diabetes()[0]]


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
class TestEverySurface:
    def test_gradient_equals_differences(self, surface, numeric_gradient) -> None:
        low, high = surface.limits.T
        points = np.random.default_rng(0).uniform(low, high, size=(20, 2))
        exact = surface.gradient(points)
        # Rounding: eps · L / h = 2e-11 of the largest loss.
        tolerance = 1e-9 * np.abs(surface.loss(points)).max()
        np.testing.assert_allclose(exact, numeric_gradient(surface.loss, points), atol=tolerance)

    def test_leading_axes_are_points(self, surface) -> None:
        points = np.random.default_rng(0).normal(size=(3, 4, 2))
        losses, gradients = surface.loss(points), surface.gradient(points)
        assert losses.shape == (3, 4)
        for index in np.ndindex(3, 4):
            assert losses[index] == pytest.approx(surface.loss(points[index]), rel=1e-12)
            np.testing.assert_allclose(gradients[index], surface.gradient(points[index]))

    def test_minimum_is_flat_and_lowest_in_view(self, surface) -> None:
        if surface.minimum is None:
            assert surface.curvatures[0] < 0
            return
        low, high = surface.limits.T
        assert (low < surface.minimum).all()
        assert (surface.minimum < high).all()
        scale = np.abs(surface.gradient(surface.start)).max()
        np.testing.assert_allclose(surface.gradient(surface.minimum), 0, atol=1e-11 * scale)
        view = np.stack(np.meshgrid(*np.linspace(low, high, 41).T), axis=-1)
        assert (surface.loss(view) >= surface.loss(surface.minimum)).all()

    def test_start_is_in_view(self, surface) -> None:
        assert (surface.limits[:, 0] <= surface.start).all()
        assert (surface.start <= surface.limits[:, 1]).all()

    def test_point_of_three_coordinates_is_refused(self, surface) -> None:
        for function in (surface.loss, surface.gradient):
            with pytest.raises(ValueError, match="points: expected last axes"):
                function([1.0, 2.0, 3.0])


def test_rosenbrock_equals_scipy() -> None:
    points = np.random.default_rng(0).uniform(-2, 2, size=(50, 2))
    np.testing.assert_allclose(rosenbrock().loss(points), optimize.rosen(points.T), rtol=1e-12)
    expected = np.array([optimize.rosen_der(point) for point in points])
    np.testing.assert_allclose(rosenbrock().gradient(points), expected, rtol=1e-9, atol=1e-9)


def test_beale_by_hand() -> None:
    # x = 1, y = 2: 1.5 - (1 - 2) = 2.5; 2.25 - (1 - 4) = 5.25; 2.625 - (1 - 8) = 9.625
    assert beale().loss([1.0, 2.0]) == 2.5**2 + 5.25**2 + 9.625**2


@pytest.mark.parametrize(
    "surface", [each for each in SURFACES if each.curvatures], ids=lambda each: each.name
)
def test_curvatures_are_the_hessians_eigenvalues(surface) -> None:
    # A quadratic's gradient is linear, so differences over any distance give the Hessian's columns.
    hessian = np.stack(
        [surface.gradient(axis) - surface.gradient([0.0, 0.0]) for axis in np.eye(2)]
    )
    values = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(surface.curvatures, values, rtol=1e-8)


def test_regression_finds_the_least_squares_solution() -> None:
    surface, inputs, targets = regression_on_diabetes()
    slope, intercept = np.polyfit(inputs[:, 1], targets, 1)
    np.testing.assert_allclose(surface.minimum, [intercept, slope], rtol=1e-9)
    # The lowest loss is the variance that the line leaves: (1 - r²) var.
    r = np.corrcoef(inputs[:, 1], targets)[0, 1]
    assert surface.loss(surface.minimum) == pytest.approx((1 - r**2) * targets.var())


def test_regression_around_its_minimum_equals_the_mean_over_the_data() -> None:
    surface, inputs, targets = regression_on_diabetes()
    for point in ([0.0, 0.0], surface.start, surface.minimum, [1e3, -1e3]):
        residuals = inputs @ point - targets
        scale = np.abs(inputs).max() * np.abs(residuals).max()
        assert surface.loss(point) == pytest.approx(np.mean(residuals**2), rel=1e-9)
        expected = 2.0 / len(targets) * inputs.T @ residuals
        np.testing.assert_allclose(surface.gradient(point), expected, atol=1e-9 * scale)


def test_gradients_of_batches_average_to_the_gradient() -> None:
    surface, inputs, _ = regression_on_diabetes()
    rows = np.random.default_rng(0).permutation(len(inputs)).reshape(-1, 17)  # 442 = 26 · 17
    batches = [surface.gradient(surface.start, batch) for batch in rows]
    np.testing.assert_allclose(
        np.mean(batches, axis=0), surface.gradient(surface.start), rtol=1e-12
    )
    assert np.std(batches, axis=0).min() > 0


def test_linearly_dependent_columns_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2 columns of rank 1.*Leave out a column"):
        linear_regression([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], [1.0, 2.0, 3.0], name="")


def test_targets_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(ValueError, match="targets"):
        linear_regression([[1.0], [2.0]], [1.0, 2.0, 3.0], name="")


def test_a_condition_number_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match="condition_number"):
        quadratic_bowl(0.5)

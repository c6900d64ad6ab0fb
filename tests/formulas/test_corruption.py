"""Changed images: against SciPy's image filters."""

import numpy as np
import pytest
from scipy import ndimage

from deployworkbook.formulas.corruption import blurred, dimmed, inverted, noisy, rotated

IMAGES = np.random.default_rng(0).random((3, 28, 28))


@pytest.mark.parametrize("degrees", [0.0, 10.0, 45.0, 90.0, -120.0])
@pytest.mark.parametrize("shape", [(28, 28), (9, 14)])
def test_rotation_equals_scipy(degrees, shape):
    images = IMAGES[:, : shape[0], : shape[1]]
    expected = ndimage.rotate(
        images, degrees, axes=(2, 1), reshape=False, order=1, mode="grid-constant"
    )
    assert rotated(images, degrees) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.7])
def test_blur_equals_scipy(sigma):
    expected = ndimage.gaussian_filter(IMAGES, sigma, axes=(1, 2), mode="constant")
    assert blurred(IMAGES, sigma) == pytest.approx(expected, abs=1e-9)


def test_noise_has_its_spread_depends_on_its_seed_and_stays_in_range():
    grey = np.full((50, 28, 28), 0.5)
    noise = noisy(grey, 0.05) - grey
    assert noise.std() == pytest.approx(0.05, rel=0.02)
    assert np.array_equal(noisy(grey, 0.05), noisy(grey, 0.05, seed=0))
    assert not np.array_equal(noisy(grey, 0.05), noisy(grey, 0.05, seed=1))
    strong = noisy(IMAGES, 2.0)
    assert (strong.min(), strong.max()) == (0.0, 1.0)


def test_dimming_and_inverting_by_hand():
    assert dimmed([[0.5]], 0.5).tolist() == [[0.25]]
    assert inverted(IMAGES, 0.5) == pytest.approx(0.5)
    assert inverted(inverted(IMAGES)) == pytest.approx(IMAGES)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: rotated([[1.0]], 5.0), "images"),
        (lambda: blurred(IMAGES, -1.0), "sigma"),
        (lambda: noisy(255 * IMAGES, 0.1), "images"),
        (lambda: dimmed(IMAGES, 25.0), "factor"),
        (lambda: inverted(IMAGES, 2.0), "share"),
    ],
)
def test_arguments_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()

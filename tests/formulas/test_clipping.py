from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deployworkbook.formulas.clipping import (
    CLIPPINGS,
    fit_grid,
    minmax_limits,
    mse_optimal_grid,
    percentile_limits,
)
from deployworkbook.formulas.quantization import SCHEMES, fake_quantize, grid_of_scale, make_grid
from deployworkbook.formulas.quantization_error import quantization_error
from deployworkbook.formulas.zero_points import ClippingErrors

VALUES = arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6))


@pytest.fixture(scope="module")
def bell() -> np.ndarray:
    return np.random.default_rng(0).normal(size=20_000)


def error_of(values: np.ndarray, grid) -> float:
    return quantization_error(values, fake_quantize(values, grid)).mean_squared


def test_limits_by_hand() -> None:
    values = np.array([[0.0, -1.0, 4.0], [2.0, 3.0, 10.0]])
    assert minmax_limits(values) == (-1.0, 10.0)
    np.testing.assert_array_equal(minmax_limits(values, axis=1)[0], [[0.0, -1.0, 4.0]])
    np.testing.assert_array_equal(minmax_limits(values, axis=0)[1], [[4.0], [10.0]])
    np.testing.assert_array_equal(minmax_limits(values, axis=-2)[1], [[4.0], [10.0]])
    # Five steps between six sorted numbers; 90 % is 4.5 of them: halfway from 4 to 10.
    assert percentile_limits(values, percentile=90)[1] == 7.0
    # From the other end half a step of five as well: halfway from -1 to 0.
    assert percentile_limits(values, percentile=90)[0] == -0.5


def test_percentile_of_100_is_minmax(bell) -> None:
    assert percentile_limits(bell, percentile=100) == minmax_limits(bell)


@pytest.mark.parametrize("percentile", [50.0, 100.1])
def test_percentile_out_of_range_is_refused(percentile: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile_limits([1.0, 2.0], percentile=percentile)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=25)
@given(values=VALUES, bits=st.integers(2, 15))
@example(values=np.array([0.0, 1.0, 2.0]), bits=3)  # exact in whole steps, unlike min-max
@example(values=np.array([0.0]), bits=2)
@example(values=np.array([-3.0, -1.0]), bits=2)
def test_more_bits_never_raise_the_optimal_error(scheme, values: np.ndarray, bits: int) -> None:
    fewer, more = (
        error_of(values, mse_optimal_grid(values, bits=count, scheme=scheme))
        for count in (bits, bits + 1)
    )
    # No tolerance: at the same scale no value's error grows, and sums in the same order keep that.
    assert more <= fewer


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=25)
@given(values=VALUES, bits=st.integers(2, 10))
def test_optimal_is_never_worse_than_another_clipping(scheme, values, bits: int) -> None:
    optimal = error_of(values, fit_grid(values, bits=bits, scheme=scheme, clipping="mse"))
    assert optimal <= error_of(values, fit_grid(values, bits=bits, scheme=scheme))


@settings(max_examples=25)
@given(values=VALUES, bits=st.integers(2, 8))
@example(values=np.array([1.0, 0.25, 0.0, -1.0]), bits=2)
@example(values=np.array([-5.0, -0.3, -0.2, 0.1]), bits=3)
def test_asymmetric_is_never_worse_than_symmetric(values: np.ndarray, bits: int) -> None:
    symmetric, asymmetric = (
        error_of(values, mse_optimal_grid(values, bits=bits, scheme=scheme))
        for scheme in ("symmetric", "asymmetric")
    )
    # No tolerance: the search tries grids that contain every number of each symmetric grid.
    assert asymmetric <= symmetric


def with_one_outlier(count: int) -> np.ndarray:
    return np.append(np.random.default_rng(0).normal(0, 0.1, count), 3.0)


def test_asymmetric_clips_an_outlier_at_one_end() -> None:
    values = with_one_outlier(2000)
    found = mse_optimal_grid(values, bits=2, scheme="asymmetric")
    # One step below zero and two above; the outlier is clipped.
    assert [round(float(end) / float(found.scale)) for end in found.limits] == [-1, 2]
    assert error_of(values, found) == pytest.approx(0.00543, rel=0.005)
    symmetric = mse_optimal_grid(values, bits=2, scheme="symmetric")
    assert error_of(values, symmetric) == pytest.approx(0.00605, rel=0.005)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_search_of_both_ends_is_near_a_dense_search(bits: int) -> None:
    values = with_one_outlier(500) * [-1] + 0.05
    steps = 2**bits - 1
    dense = min(
        float(
            np.mean((np.clip(np.rint(values / scale), -below, steps - below) * scale - values) ** 2)
        )
        for scale in np.geomspace(0.02, 3, 200)
        for below in range(steps + 1)
    )
    assert error_of(values, mse_optimal_grid(values, bits=bits, scheme="asymmetric")) < 1.01 * dense


def test_bounds_are_below_the_errors_and_tight() -> None:
    rows = np.random.default_rng(3).normal(0.2, [[0.1], [2.0]], (2, 999))
    steps = np.array([[[[n]] * 2, [[m]] * 2] for n, m in [(0, 3), (1, 2), (2, 1), (3, 0)]])
    errors = ClippingErrors(rows)
    for scale in (np.array([[0.05], [0.7]]), np.array([[0.4], [0.03]])):
        exact = np.stack(
            [((np.clip(np.rint(rows / scale), -n, m) * scale - rows) ** 2) for n, m in steps]
        ).mean(axis=-1, keepdims=True)
        np.testing.assert_allclose(errors.at_least(scale, steps), exact, rtol=1e-5)
        assert (errors.at_least(scale, steps) <= exact).all()
        assert (errors.at_least(scale, steps, stride=8) <= exact).all()


def test_each_channel_has_its_own_limits() -> None:
    weights = np.stack([with_one_outlier(200), -with_one_outlier(200), np.zeros(201)], axis=1)
    together = mse_optimal_grid(weights, bits=2, scheme="asymmetric", axis=1)
    for channel in range(3):
        alone = mse_optimal_grid(weights[:, channel], bits=2, scheme="asymmetric")
        assert together.scale[0, channel] == alone.scale
        assert together.zero_point[0, channel] == alone.zero_point


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_optimal_is_near_the_best_of_a_dense_search(bits: int, bell) -> None:
    low, high = minmax_limits(bell)
    dense = min(
        error_of(bell, grid_of_scale(scale, low, high, bits=bits, scheme="symmetric"))
        for scale in np.geomspace(0.01, 5.0, 400)
    )
    found = error_of(bell, mse_optimal_grid(bell, bits=bits, scheme="symmetric"))
    assert found <= 1.01 * dense


def test_optimal_finds_the_quantizer_of_a_bell_curve(bell) -> None:
    # J. Max, "Quantizing for minimum distortion", 1960, table II: three equal steps on the normal
    # distribution are best 1.224 apart, with a mean squared error of 0.1902. Beside 1 % from the
    # sample's size, the search may be 2^(1/16) = 4 % off in the step.
    grid = mse_optimal_grid(bell, bits=2, scheme="symmetric")
    assert grid.scale == pytest.approx(1.224, rel=0.05)
    assert error_of(bell, grid) == pytest.approx(0.1902, rel=0.02)
    # With a fourth level, the best free placement has 0.1188; a grid that contains 0 gains less.
    assert 0.1188 < error_of(bell, mse_optimal_grid(bell, bits=2, scheme="asymmetric")) < 0.18


def test_one_outlier_ruins_minmax_only(bell) -> None:
    values = np.append(bell, 200.0)
    ratios = {
        clipping: quantization_error(
            bell, fake_quantize(bell, fit_grid(values, bits=4, clipping=clipping))
        ).sqnr_db
        for clipping in CLIPPINGS
    }
    # 15 steps over 204 are 13.6 each, so nearly all values become 0, which is 0 dB.
    assert ratios["minmax"] == pytest.approx(0, abs=0.1)
    assert ratios["percentile"] > 15


def test_each_channel_is_searched_separately() -> None:
    weights = np.random.default_rng(1).normal(size=(200, 3)) * [0.1, 1.0, 10.0]
    together = mse_optimal_grid(weights, bits=4, scheme="symmetric", axis=1)
    assert together.scale.shape == (1, 3)
    for channel in range(3):
        alone = mse_optimal_grid(weights[:, channel], bits=4, scheme="symmetric")
        assert together.scale[0, channel] == alone.scale


@pytest.mark.parametrize("clipping", CLIPPINGS)
def test_a_scale_per_channel_suits_unequal_channels(clipping) -> None:
    weights = np.random.default_rng(2).normal(size=(200, 2)) * [0.01, 1.0]
    settings = {"bits": 6, "scheme": "symmetric", "clipping": clipping}
    small = weights[:, 0]
    # In steps of the large channel, at most 4 / 31, the small one rounds to 0: 0 dB.
    for axis, low, high in ((None, -1, 1), (1, 20, 60)):
        rounded = fake_quantize(weights, fit_grid(weights, axis=axis, **settings))
        assert low <= quantization_error(small, rounded[:, 0]).sqnr_db < high


def test_fit_grid_lays_the_scheme_over_the_limits(bell) -> None:
    limits = percentile_limits(bell, percentile=99)
    expected = make_grid(*limits, bits=5, scheme="power_of_two")
    grid = fit_grid(bell, bits=5, scheme="power_of_two", clipping="percentile", percentile=99)
    assert (grid.scale, grid.zero_point) == (expected.scale, expected.zero_point)


def test_unknown_settings_are_refused(bell) -> None:
    with pytest.raises(ValueError, match="clipping: expected one of 'minmax'"):
        fit_grid(bell, bits=8, clipping="other")
    with pytest.raises(ValueError, match="axis"):
        fit_grid(bell, bits=8, axis=1)
    with pytest.raises(ValueError, match="scheme"):
        mse_optimal_grid(bell, bits=8, scheme="other")

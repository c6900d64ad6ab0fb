from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deployworkbook.formulas.quantization import (
    SCHEMES,
    Grid,
    dequantize,
    fake_quantize,
    grid_of_scale,
    integer_range,
    make_grid,
    quantize,
)
from deployworkbook.training.keras2 import tf

BITS = st.integers(2, 16)
SCHEME = st.sampled_from(SCHEMES)
ENDS = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).map(sorted)


@pytest.mark.parametrize(
    ("scheme", "scale", "zero_point", "low", "high"),
    [
        # -1 … 3 in 2^3 - 1 = 7 steps of 4/7; below 0 lie 7/4 of them, rounded 2: -4 + 2
        ("asymmetric", 4 / 7, -2, -4, 3),
        # 3 in 2^2 - 1 = 3 steps
        ("symmetric", 1.0, 0, -3, 3),
        # 1 is a power of two already
        ("power_of_two", 1.0, 0, -3, 3),
    ],
)
def test_three_bits_by_hand(scheme, scale, zero_point, low, high) -> None:
    grid = make_grid(-1.0, 3.0, bits=3, scheme=scheme)
    assert grid.scale == pytest.approx(scale)
    assert (grid.zero_point, grid.low, grid.high) == (zero_point, low, high)


def test_power_of_two_scale_is_rounded_up() -> None:
    # 10 in 127 steps of 0.0787; the next power of two is 0.125
    assert make_grid(-10.0, 10.0, bits=8, scheme="power_of_two").scale == 0.125


def test_quantize_and_back_by_hand() -> None:
    grid = Grid(np.array(0.5), np.array(-3), -4, 3)  # reals from -0.5 to 3
    # -9 is clipped; 0.2 / 0.5 = 0.4; 0.75 / 0.5 = 1.5, to the even 2; 9 is clipped
    integers = quantize([-9.0, 0.2, 0.75, 9.0], grid)
    np.testing.assert_array_equal(integers, [-4, -3, -1, 3])
    np.testing.assert_array_equal(dequantize(integers, grid), [-0.5, 0.0, 1.0, 3.0])


@pytest.mark.parametrize(("bits", "dtype"), [(2, np.int8), (8, np.int8), (9, np.int16)])
def test_integers_take_the_smallest_type(bits: int, dtype: type) -> None:
    grid = make_grid(-1.0, 1.0, bits=bits, scheme="asymmetric")
    assert quantize([1.0], grid).dtype == dtype


def test_each_channel_has_its_own_scale() -> None:
    weights = np.array([[1.0, 100.0], [-0.25, 40.0]])
    grid = make_grid([[-0.25, 40.0]], [[1.0, 100.0]], bits=8, scheme="symmetric")
    np.testing.assert_allclose(grid.scale, [[1 / 127, 100 / 127]])
    # -0.25 · 127 = -31.75 and 40 · 1.27 = 50.8
    np.testing.assert_array_equal(quantize(weights, grid), [[127, 127], [-32, 51]])


@given(ends=ENDS, bits=BITS, scheme=SCHEME, share=st.floats(0, 1))
def test_values_on_the_grid_move_by_half_a_step_at_most(ends, bits, scheme, share) -> None:
    grid = make_grid(*ends, bits=bits, scheme=scheme)
    low, high = grid.limits
    value = low + share * (high - low)
    # Half a step, plus rounding of the value and of the quotient.
    allowed = 0.5 * grid.scale + 1e-15 * (high - low)
    assert np.abs(fake_quantize(value, grid) - value) <= allowed


@given(ends=ENDS, bits=BITS, scheme=SCHEME)
def test_the_range_is_covered_and_zero_is_exact(ends, bits, scheme) -> None:
    grid = make_grid(*ends, bits=bits, scheme=scheme)
    assert fake_quantize(0.0, grid) == 0
    low, high = grid.limits
    # A zero point rounded to a whole number moves the asymmetric range by half a step.
    slack = 0.5 * grid.scale * (scheme == "asymmetric") + 1e-9 * grid.scale
    assert low <= min(ends[0], 0) + slack
    assert high >= max(ends[1], 0) - slack
    assert (grid.low, grid.high) == integer_range(bits, narrow=scheme != "asymmetric")
    assert grid.low <= grid.zero_point <= grid.high


@given(
    values=arrays(np.float64, 20, elements=st.floats(-1e3, 1e3)),
    ends=ENDS,
    bits=BITS,
    scheme=SCHEME,
)
def test_quantizing_twice_changes_nothing(values, ends, bits, scheme) -> None:
    grid = make_grid(*ends, bits=bits, scheme=scheme)
    once = fake_quantize(values, grid)
    np.testing.assert_array_equal(fake_quantize(once, grid), once)


@given(values=arrays(np.float64, 20, elements=st.floats(-10, 10)), ends=ENDS, scheme=SCHEME)
def test_quantizing_keeps_the_order(values, ends, scheme) -> None:
    grid = make_grid(*ends, bits=4, scheme=scheme)
    assert (np.diff(quantize(np.sort(values), grid).astype(int)) >= 0).all()


@given(ends=ENDS, bits=st.integers(2, 15), scheme=SCHEME, scale=st.floats(1e-6, 1e6))
def test_a_grid_of_more_bits_holds_one_of_fewer_at_the_same_scale(
    ends, bits, scheme, scale
) -> None:
    coarse, fine = (
        grid_of_scale(scale, *ends, bits=count, scheme=scheme) for count in (bits, bits + 1)
    )
    assert fine.low - fine.zero_point <= coarse.low - coarse.zero_point
    assert fine.high - fine.zero_point >= coarse.high - coarse.zero_point


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("end", [0.0, 5e-324])
def test_an_empty_range_has_scale_1(scheme, end: float) -> None:
    grid = make_grid(-end, end, bits=8, scheme=scheme)
    assert grid.scale == 1
    assert quantize(0.0, grid) == grid.zero_point


@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize(
    ("scheme", "low", "high"), [("asymmetric", -0.37, 1.9), ("symmetric", -1.3, 1.3)]
)
def test_equals_tensorflows_fake_quantization(bits: int, scheme, low: float, high: float) -> None:
    grid = make_grid(low, high, bits=bits, scheme=scheme)
    # From beyond one end to beyond the other, a quarter of a step off the grid, so that rounding
    # in float32 (at 16 bits 65535 · 6e-8 = 0.004 steps) cannot turn a value to another neighbour.
    steps = np.linspace(grid.low - 3, grid.high + 3, 200).round() + 0.25 - grid.zero_point
    values = (grid.scale * steps).astype(np.float32)
    expected = tf.quantization.fake_quant_with_min_max_vars(
        values, low, high, num_bits=bits, narrow_range=scheme == "symmetric"
    )
    # TensorFlow computes in float32, with an error of a few times 6e-8 of the range.
    np.testing.assert_allclose(
        fake_quantize(values, grid), expected.numpy(), rtol=0, atol=3e-7 * (high - low)
    )


@pytest.mark.parametrize(("bits", "error"), [(1, ValueError), (17, ValueError), (8.0, TypeError)])
def test_bits_must_be_from_2_to_16(bits, error: type[Exception]) -> None:
    with pytest.raises(error, match="bits: expected an integer from 2 to 16"):
        make_grid(-1.0, 1.0, bits=bits, scheme="symmetric")


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="scheme: expected one of 'asymmetric'"):
        make_grid(-1.0, 1.0, bits=8, scheme="other")


def test_an_inverted_range_is_refused() -> None:
    with pytest.raises(ValueError, match="high: expected low ≤ high"):
        make_grid([0.0, 2.0], [1.0, 1.0], bits=8, scheme="symmetric")


@pytest.mark.parametrize(("low", "high", "zero_point"), [(-14.0, -7.0, 3), (7.0, 14.0, -4)])
def test_range_on_one_side_of_zero_is_widened_to_zero(low, high, zero_point):
    # 14 in 2^3 - 1 = 7 steps of 2; 0 lands on an end of the grid.
    grid = make_grid(low, high, bits=3, scheme="asymmetric")
    assert (float(grid.scale), int(grid.zero_point)) == (2.0, zero_point)

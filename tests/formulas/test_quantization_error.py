from __future__ import annotations

import numpy as np
import pytest

from deployworkbook.formulas.clipping import fit_grid
from deployworkbook.formulas.quantization import fake_quantize, make_grid
from deployworkbook.formulas.quantization_error import expected_sqnr_db, quantization_error


def test_by_hand() -> None:
    # Errors 0.5, 0 and -0.5: mean square 0.5 / 3; signal 3² + 4² + 5² = 50; 10 log10 (50 / 0.5)
    error = quantization_error([3.0, 4.0, 5.0], [2.5, 4.0, 5.5])
    assert error.maximum == 0.5
    assert error.mean_squared == pytest.approx(0.5 / 3)
    assert error.sqnr_db == pytest.approx(20.0)


def test_ratio_is_infinite_without_noise_and_minus_infinite_without_signal() -> None:
    assert quantization_error([1.0], [1.0]).sqnr_db == np.inf
    assert quantization_error([0.0], [0.0]).sqnr_db == np.inf
    assert quantization_error([0.0], [1.0]).sqnr_db == -np.inf


def test_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="approximations"):
        quantization_error([1.0, 2.0], [1.0])


@pytest.mark.parametrize("bits", range(4, 17))
def test_uniform_values_have_the_expected_ratio(bits: int) -> None:
    values = np.random.default_rng(0).uniform(-1.0, 1.0, size=100_000)
    grid = fit_grid(values, bits=bits, scheme="asymmetric")
    measured = quantization_error(values, fake_quantize(values, grid)).sqnr_db
    expected = expected_sqnr_db(bits, rms=values.std(), limit=1.0)
    # The grid has 2^b - 1 steps where the formula has 2^b: 20 log10 (16 / 15) = 0.56 dB at 4 bits.
    assert measured == pytest.approx(expected + 20 * np.log10(1 - 2.0**-bits), abs=0.05)


def test_each_bit_is_worth_6_decibels() -> None:
    # 20 log10 2 = 6.0206
    two, three = (expected_sqnr_db(bits, rms=0.1, limit=0.5) for bits in (2, 3))
    assert three - two == pytest.approx(6.0206, abs=1e-4)


def test_ten_times_the_range_costs_20_decibels() -> None:
    values = np.random.default_rng(0).normal(size=100_000)
    narrow, wide = (
        quantization_error(
            values, fake_quantize(values, make_grid(-end, end, bits=8, scheme="symmetric"))
        ).sqnr_db
        for end in (5.0, 50.0)
    )
    # Ten times the step is 20 dB. At that step the error is still uniform: 50 / 127 of a deviation.
    assert narrow - wide == pytest.approx(20.0, abs=0.1)


@pytest.mark.parametrize("settings", [{"rms": 0.0, "limit": 1.0}, {"rms": 1.0, "limit": 0.0}])
def test_rms_and_limit_must_be_above_0(settings) -> None:
    with pytest.raises(ValueError, match=r"(rms|limit): expected a finite number"):
        expected_sqnr_db(8, **settings)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.integer_softmax import integer_softmax
from deployworkbook.formulas.quantization import Grid

OUTPUT = Grid(np.array(1 / 256), np.array(-128), -128, 127)


def logit_grid(scale: float) -> Grid:
    return Grid(np.array(scale), np.array(0), -128, 127)


def test_by_hand() -> None:
    # e^0 / (e^0 + 3 e^(-log 3)) = 1/2, and 1/6 for each other: 128 and 42.67 steps
    result = integer_softmax([5, 4, 4, 4], logit_grid=logit_grid(np.log(3)), output_grid=OUTPUT)
    np.testing.assert_array_equal(result, [0, -85, -85, -85])
    assert result.dtype == np.int8


@given(arrays(np.int8, (3, 10)), st.floats(0.001, 1.0))
def test_it_equals_the_softmax_to_half_a_step(logits, scale: float) -> None:
    result = integer_softmax(logits, logit_grid=logit_grid(scale), output_grid=OUTPUT)
    exact = np.minimum(softmax(np.float32(scale) * logits.astype(float)) * 256, 255)
    # Half a step, plus the rounding error of float32.
    assert np.abs(result.astype(int) + 128 - exact).max() <= 0.5 + 1e-3


def test_probability_1_is_the_largest_integer() -> None:
    result = integer_softmax([127, -128], logit_grid=logit_grid(1.0), output_grid=OUTPUT)
    np.testing.assert_array_equal(result, [127, -128])


@pytest.mark.parametrize(
    ("logits", "error", "text"),
    [([0.5], TypeError, "whole numbers"), ([200, 0], ValueError, "from -128 to 127")],
)
def test_values_beyond_int8_are_refused(logits, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        integer_softmax(logits, logit_grid=logit_grid(1.0), output_grid=OUTPUT)


def test_a_grid_per_channel_is_refused() -> None:
    several = Grid(np.array([1.0, 2.0]), np.array([0, 0]), -128, 127)
    with pytest.raises(ValueError, match="logit_grid: expected one"):
        integer_softmax([1, 2], logit_grid=several, output_grid=OUTPUT)

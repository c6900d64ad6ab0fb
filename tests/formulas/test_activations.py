from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import special

from deployworkbook.formulas.activations import (
    log_softmax,
    log_sum_exp,
    softmax,
    softmax_gradient,
)

LOGITS = arrays(np.float64, array_shapes(max_dims=3, max_side=5), elements=st.floats(-1e4, 1e4))


def test_softmax_of_logits_that_are_logarithms() -> None:
    # e^(log 1), e^(log 2), e^(log 5) = 1, 2, 5, of 8 in all
    np.testing.assert_allclose(softmax(np.log([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625])


@given(LOGITS)
def test_equal_scipy_at_any_logit(logits: np.ndarray) -> None:
    # A few units in the last place, from the order of sums and from exp.
    close = {"rtol": 1e-13, "atol": 1e-300}
    np.testing.assert_allclose(softmax(logits), special.softmax(logits, axis=-1), **close)
    # SciPy takes log1p of what is beside the largest; a logarithm near 0 is exact to 1e-16 here.
    np.testing.assert_allclose(
        log_sum_exp(logits), special.logsumexp(logits, axis=-1), rtol=1e-13, atol=1e-15
    )
    # SciPy subtracts in two steps, so a logarithm near 0 beside logits of 1e4 has 1e4 · 1e-16.
    np.testing.assert_allclose(
        log_softmax(logits), special.log_softmax(logits, axis=-1), rtol=1e-13, atol=1e-11
    )


@given(LOGITS, st.floats(-1e3, 1e3))
def test_softmax_sums_to_one_and_ignores_a_shift(logits: np.ndarray, shift: float) -> None:
    probabilities = softmax(logits)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0, rtol=1e-14)
    # A shift of 1e3 costs logits of 1e4 the digits below 1e4 · 1e-16 = 1e-12.
    np.testing.assert_allclose(softmax(logits + shift), probabilities, rtol=1e-11, atol=1e-300)


def test_softmax_gradient_equals_differences(numeric_gradient) -> None:
    generator = np.random.default_rng(0)
    logits, upstream = generator.normal(size=(2, 3, 4))
    expected = numeric_gradient(lambda z: (upstream * softmax(z)).sum(), logits)
    np.testing.assert_allclose(softmax_gradient(logits, upstream), expected, atol=1e-9)


def test_softmax_gradient_refuses_another_shape() -> None:
    with pytest.raises(ValueError, match="upstream: expected the shape of logits"):
        softmax_gradient([0.0, 1.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("function", [softmax, log_softmax, log_sum_exp])
def test_a_lone_number_has_no_classes(function) -> None:
    with pytest.raises(ValueError, match="logits: expected last axes"):
        function(1.0)

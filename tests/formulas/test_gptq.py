"""GPTQ: nothing without correlation, less error with it, and each step the best correction."""

from __future__ import annotations

import numpy as np
import pytest

from deployworkbook.formulas.block_quantization import (
    BLOCK_SCHEMES,
    dequantize_blocks,
    quantize_blocks,
)
from deployworkbook.formulas.gptq import gptq, output_error, second_moments
from deployworkbook.formulas.importance import weights_and_inputs
from deployworkbook.formulas.masks import n_of_m_mask

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(96, 20))
# Inputs that go together: 96 numbers made of 40.
INPUTS = RNG.normal(size=(400, 40)) @ RNG.normal(size=(40, 96)) + 0.1 * RNG.normal(size=(400, 96))
MOMENTS = second_moments(INPUTS)
SCHEMES = pytest.mark.parametrize("scheme", BLOCK_SCHEMES)


def test_the_error_is_that_of_the_outputs():
    rough = dequantize_blocks(quantize_blocks(WEIGHTS, bits=3))
    measured = ((INPUTS @ (WEIGHTS - rough)) ** 2).sum() / len(INPUTS)
    assert output_error(WEIGHTS, rough, MOMENTS) == pytest.approx(measured)


@SCHEMES
def test_without_correlation_it_rounds_to_nearest(scheme):
    plain = quantize_blocks(WEIGHTS, bits=4, scheme=scheme)
    found = gptq(WEIGHTS, np.diag(RNG.uniform(1, 2, 96)), bits=4, scheme=scheme)
    np.testing.assert_array_equal(found.codes, plain.codes)
    np.testing.assert_array_equal(found.scales, plain.scales)
    np.testing.assert_array_equal(found.zero_points, plain.zero_points)


@SCHEMES
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_with_correlation_the_outputs_change_less(scheme, bits):
    settings = {"bits": bits, "scheme": scheme, "block_size": 32}
    plain, better = (
        output_error(WEIGHTS, dequantize_blocks(each), MOMENTS)
        for each in (quantize_blocks(WEIGHTS, **settings), gptq(WEIGHTS, MOMENTS, **settings))
    )
    assert better < 0.5 * plain


def test_one_step_is_the_best_correction():
    # Eight blocks of one weight each: after the first is rounded, the other weights, which can be
    # anything still, solve a least squares problem.
    moments = MOMENTS[:8, :8] + 0.5 * np.eye(8)
    weights = WEIGHTS[:8].copy()
    first = np.rint(weights[0])
    best = weights[1:] + np.linalg.solve(
        moments[1:, 1:], np.outer(moments[1:, 0], weights[0] - first)
    )
    inverse = np.linalg.inv(moments)
    upper = np.linalg.cholesky(inverse).T
    step = weights[1:] - np.outer(upper[0, 1:], (weights[0] - first) / upper[0, 0])
    np.testing.assert_allclose(step, best)


def test_blocks_beyond_the_inputs_and_a_search_work():
    found = gptq(WEIGHTS[:70], MOMENTS[:70, :70], bits=4, scheme="asymmetric", search=True)
    assert found.codes.shape == (20, 3, 32)
    assert (found.codes[:, 2, 6:] == 0).all()
    assert dequantize_blocks(found).shape == (70, 20)


def test_an_input_that_is_always_0_does_no_harm():
    inputs = INPUTS.copy()
    inputs[:, 5] = 0.0
    found = dequantize_blocks(gptq(WEIGHTS, second_moments(inputs), bits=4))
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 3 * np.abs(WEIGHTS).max()


@pytest.mark.parametrize(
    ("moments", "text"),
    [
        (np.zeros((96, 96)), "second_moments"),
        (np.triu(np.ones((96, 96))), "second_moments"),
        (np.ones((3, 3)), "moments"),
        (2 * np.ones((96, 96)) - np.eye(96), "second_moments"),
    ],
)
def test_other_matrices_are_refused(moments, text):
    with pytest.raises(ValueError, match=text):
        gptq(WEIGHTS, moments, bits=4)


def test_a_damping_of_0_is_refused():
    with pytest.raises(ValueError, match="damping"):
        gptq(WEIGHTS, MOMENTS, bits=4, damping=0)


@SCHEMES
def test_pruned_weights_are_zero_and_the_kept_ones_make_up_for_them(scheme):
    scores = weights_and_inputs(WEIGHTS, np.sqrt(np.diag(MOMENTS)))
    mask = n_of_m_mask(scores, keep=2, group=4)
    settings = {"bits": 4, "scheme": scheme, "block_size": 32}
    found = dequantize_blocks(gptq(WEIGHTS, MOMENTS, mask=mask, **settings))
    assert not found[~mask].any()
    alone = dequantize_blocks(quantize_blocks(WEIGHTS * mask, **settings))
    errors = [output_error(WEIGHTS, each, MOMENTS) for each in (found, alone, WEIGHTS * mask)]
    assert errors[0] < 0.85 * min(errors[1:])


def test_a_mask_that_keeps_all_changes_nothing():
    plain = gptq(WEIGHTS, MOMENTS, bits=3)
    masked = gptq(WEIGHTS, MOMENTS, bits=3, mask=np.ones(WEIGHTS.shape, bool))
    np.testing.assert_array_equal(masked.codes, plain.codes)


@pytest.mark.parametrize("mask", [np.ones((96, 20)), np.ones((20, 96), bool)])
def test_a_mask_of_another_shape_or_kind_is_refused(mask):
    with pytest.raises(ValueError, match="mask: expected True or False"):
        gptq(WEIGHTS, MOMENTS, bits=4, mask=mask)

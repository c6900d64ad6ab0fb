"""Dynamic quantization against the same sums in real numbers."""

from __future__ import annotations

import numpy as np
import pytest

from deployworkbook.formulas.dynamic_quantization import dynamic_dense


@pytest.fixture
def layer():
    random = np.random.default_rng(5)
    weights = random.integers(-7, 8, (30, 4)).astype(np.int8)
    return weights, random.normal(size=4), random.uniform(0.01, 0.02, 4)


def test_inputs_on_their_grid_are_not_rounded(layer):
    weights, bias, scale = layer
    inputs = np.random.default_rng(1).integers(0, 256, (6, 30)) / 255
    inputs[:, :2] = 0, 1  # so that every row has the same grid, of steps of 1/255
    expected = inputs @ (weights * scale) + bias
    np.testing.assert_allclose(dynamic_dense(inputs, weights, bias, scale=scale), expected)
    relu = dynamic_dense(inputs, weights, bias, scale=scale, relu=True)
    np.testing.assert_allclose(relu, np.maximum(expected, 0))


def test_other_inputs_move_by_half_a_step_at_most(layer):
    weights, bias, scale = layer
    inputs = np.random.default_rng(2).normal(size=(50, 30))
    step = (inputs.max(axis=1) - inputs.min(axis=1)) / 255
    error = dynamic_dense(inputs, weights, bias, scale=scale) - (inputs @ (weights * scale) + bias)
    # The zero point is rounded as well, so ends of the range may be off by a whole step.
    most = step[:, None] * np.abs(weights * scale).sum(axis=0)
    assert (np.abs(error) <= most).all()
    assert np.abs(error).max() > 0


def test_rows_of_zeros_and_of_one_sign_work(layer):
    weights, bias, scale = layer
    rows = np.array([np.zeros(30), np.ones(30), -np.ones(30)])
    expected = rows @ (weights * scale) + bias
    np.testing.assert_allclose(dynamic_dense(rows, weights, bias, scale=scale), expected)


def test_mistakes_are_named(layer):
    weights, bias, scale = layer
    with pytest.raises(TypeError, match="whole numbers"):
        dynamic_dense(np.ones((1, 30)), weights * 0.5, bias, scale=scale)
    with pytest.raises(ValueError, match=r"sizes \(4\)"):
        dynamic_dense(np.ones((1, 30)), weights, bias[:3], scale=scale)
    with pytest.raises(ValueError, match="inputs"):
        dynamic_dense(np.ones(30), weights, bias, scale=scale)

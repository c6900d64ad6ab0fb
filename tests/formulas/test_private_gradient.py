"""Clipped and noisy gradients, against gradients computed example by example."""

import numpy as np
import pytest

from deployworkbook.formulas.losses import categorical_cross_entropy_from_logits_gradient
from deployworkbook.formulas.perceptron import backward, forward, loss_and_gradients
from deployworkbook.formulas.private_gradient import (
    clipped_gradients,
    example_gradient_norms,
    poisson_batch,
    private_gradients,
)
from tests.formulas.random_network import network

CLIP = 1.5
PARAMETERS, INPUTS, TARGETS = network((6, 5, 4, 3), 12)


@pytest.fixture(scope="module")
def by_example():
    """Each example's gradient as one vector."""
    rows = range(len(INPUTS))
    gradients = [
        loss_and_gradients(PARAMETERS, INPUTS[row : row + 1], TARGETS[row : row + 1])[1]
        for row in rows
    ]
    return np.stack([vector(each) for each in gradients])


def vector(arrays):
    return np.concatenate([array.ravel() for array in arrays])


def clipped(rows=slice(None)):
    return vector(clipped_gradients(PARAMETERS, INPUTS[rows], TARGETS[rows], clip_norm=CLIP))


def test_norms_are_those_of_each_examples_gradient(by_example):
    seen = forward(PARAMETERS, INPUTS)
    error = categorical_cross_entropy_from_logits_gradient(TARGETS, seen[-1])
    norms = example_gradient_norms(seen, backward(PARAMETERS, seen, error))
    np.testing.assert_allclose(norms, np.linalg.norm(by_example, axis=1))


def test_each_example_is_clipped_before_the_sum(by_example):
    norms = np.linalg.norm(by_example, axis=1, keepdims=True)
    assert (norms > CLIP).any()
    assert (norms < CLIP).any()
    expected = (by_example * np.minimum(1, CLIP / norms)).sum(axis=0)
    np.testing.assert_allclose(clipped(), expected)


def test_one_example_moves_the_sum_by_at_most_the_clip_norm():
    whole, count = clipped(), len(INPUTS)
    moves = [np.linalg.norm(whole - clipped(np.arange(count) != row)) for row in range(count)]
    assert max(moves) <= CLIP * (1 + 1e-12)
    np.testing.assert_allclose(max(moves), CLIP)


def test_noise_has_the_multiplier_times_the_clip_norm_per_sum():
    how = {"clip_norm": CLIP, "noise_multiplier": 2.0, "batch_size": 4.0}
    wide = [np.zeros((100, 100)), np.zeros(100)]
    noise = private_gradients(wide, np.zeros((0, 100)), np.zeros((0, 100)), seed=0, **how)
    np.testing.assert_allclose(noise[0].std(), 2.0 * CLIP / 4.0, rtol=0.02)
    again = private_gradients(wide, np.zeros((0, 100)), np.zeros((0, 100)), seed=0, **how)
    np.testing.assert_array_equal(noise[0], again[0])


def test_float32_stays_float32_and_agrees():
    single = [array.astype(np.float32) for array in PARAMETERS]
    summed = clipped_gradients(single, INPUTS.astype(np.float32), TARGETS, clip_norm=CLIP)
    assert {array.dtype for array in summed} == {np.dtype(np.float32)}
    np.testing.assert_allclose(vector(summed), clipped(), atol=1e-5)


def test_batches_are_drawn_by_a_coin_per_example():
    generator = np.random.default_rng(0)
    sizes = [len(poisson_batch(1000, 0.1, seed=generator)) for _ in range(400)]
    assert abs(np.mean(sizes) - 100) < 2
    # A binomial's variance is 90; batches of a fixed size would have none.
    assert 70 < np.var(sizes) < 110

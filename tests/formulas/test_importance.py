from __future__ import annotations

import numpy as np
import pytest

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.distributions import one_hot
from deployworkbook.formulas.importance import (
    fisher,
    magnitude,
    optimal_brain_damage,
    taylor,
    weights_and_inputs,
)
from deployworkbook.formulas.perceptron import forward, loss_and_gradients


@pytest.fixture
def network() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [
        generator.normal(size=(4, 5)),
        generator.normal(size=5),
        generator.normal(size=(5, 3)),
        generator.normal(size=3),
    ]


@pytest.fixture
def inputs() -> np.ndarray:
    values = np.random.default_rng(1).normal(size=(12, 4))
    values[:, 2] = 0.0  # a pixel that is never lit
    return values


def gradients_of_examples(network, inputs, labels) -> list[np.ndarray]:
    """Return the gradients of -log P, one example at a time."""
    each = [
        loss_and_gradients(network, row[None], one_hot([label], 3))[1]
        for row, label in zip(inputs, labels, strict=True)
    ]
    return [np.stack(arrays) for arrays in zip(*each, strict=True)]


def test_scores_by_hand() -> None:
    np.testing.assert_array_equal(magnitude([[-3.0, 2.0]]), [[3.0, 2.0]])
    # |-3 · 0.5| and |2 · -1|
    np.testing.assert_array_equal(taylor([-3.0, 2.0], [0.5, -1.0]), [1.5, 2.0])
    # ½ · 2 · 3² and ½ · 0.5 · 2²
    np.testing.assert_array_equal(optimal_brain_damage([-3.0, 2.0], [2.0, 0.5]), [9.0, 1.0])


@pytest.mark.parametrize("score", [taylor, optimal_brain_damage])
def test_scores_refuse_another_shape(score) -> None:
    with pytest.raises(ValueError, match="expected the shape of weights"):
        score([1.0, 2.0], [1.0])


def test_optimal_brain_damage_is_the_rise_of_a_quadratic_loss() -> None:
    # L = ½ Σ h (w - w*)² at w = w*: setting one weight to 0 raises it by ½ h w*².
    h, best = np.array([2.0, 0.5]), np.array([-1.0, 3.0])
    rises = [0.5 * (h * (np.where(np.arange(2) == j, 0.0, best) - best) ** 2).sum() for j in (0, 1)]
    np.testing.assert_allclose(optimal_brain_damage(best, h), rises)


def test_taylor_is_the_first_order_change_of_the_loss(network, inputs) -> None:
    targets = one_hot(np.arange(12) % 3, 3)
    before, gradients = loss_and_gradients(network, inputs, targets)
    # Removing 1e-4 of each weight: the loss moves by 1e-4 · w g, but for 1e-8 · w² L''.
    for index in np.ndindex(network[2].shape):
        changed = [array.copy() for array in network]
        changed[2][index] *= 1 - 1e-4
        moved = abs(loss_and_gradients(changed, inputs, targets)[0] - before) / 1e-4
        assert taylor(network[2], gradients[2])[index] == pytest.approx(moved, abs=1e-3)


def test_expected_fisher_of_one_softmax_layer_is_p_times_1_minus_p(inputs) -> None:
    network = [np.random.default_rng(2).normal(size=(4, 3)), np.zeros(3)]
    p = softmax(forward(network, inputs)[-1])
    # Σ_k P_k (P_j - 1[j = k])² = P_j (1 - P_j)² + (1 - P_j) P_j² = P_j (1 - P_j)
    kernel, bias = fisher(network, inputs)
    np.testing.assert_allclose(bias, (p * (1 - p)).mean(axis=0))
    np.testing.assert_allclose(kernel, (inputs**2).T @ (p * (1 - p)) / 12)


def test_empirical_fisher_equals_single_gradients(network, inputs) -> None:
    labels = np.arange(12) % 3
    each = gradients_of_examples(network, inputs, labels)
    for ours, gradients in zip(fisher(network, inputs, labels), each, strict=True):
        np.testing.assert_allclose(ours, (gradients**2).mean(axis=0), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("hidden_layers", [1, 2, 3])
def test_expected_fisher_equals_single_gradients(network, inputs, hidden_layers) -> None:
    generator = np.random.default_rng(3)
    for _ in range(hidden_layers - 1):
        network[2:2] = [generator.normal(size=(5, 5)), generator.normal(size=5)]
    probabilities = softmax(forward(network, inputs)[-1])
    classes = [gradients_of_examples(network, inputs, [k] * 12) for k in range(3)]
    for index, ours in enumerate(fisher(network, inputs)):
        gradients = np.stack([each[index] for each in classes], axis=1)
        # 1/n Σ_i Σ_k P_k (∂ log P_k / ∂w)²
        expected = np.einsum("nk,nk...->...", probabilities, gradients**2) / len(inputs)
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-15)


def test_expected_fisher_is_the_curvature_of_a_softmax_layer(inputs, numeric_gradient) -> None:
    # In a single layer the Hessian does not depend on labels, and Fisher's diagonal is its own.
    network = [np.random.default_rng(3).normal(size=(4, 3)), np.zeros(3)]
    targets = one_hot(np.arange(12) % 3, 3)
    curvature = np.empty((4, 3))
    for index in np.ndindex(4, 3):
        slopes = []
        for step in (-1e-5, 1e-5):
            kernel = network[0].copy()
            kernel[index] += step
            slopes.append(loss_and_gradients([kernel, network[1]], inputs, targets)[1][0][index])
        curvature[index] = (slopes[1] - slopes[0]) / 2e-5
    np.testing.assert_allclose(fisher(network, inputs)[0], curvature, atol=1e-9)


def test_weights_of_an_always_dark_pixel_have_no_information(network, inputs) -> None:
    kernel = fisher(network, inputs)[0]
    assert (kernel[2] == 0).all()
    assert (kernel[[0, 1, 3]] > 0).all()
    assert (magnitude(network[0])[2] > 0).all()  # magnitude can't tell


def test_fisher_refuses_labels_of_another_length(network, inputs) -> None:
    with pytest.raises(ValueError, match="labels"):
        fisher(network, inputs, [0, 1, 2])


def test_weights_and_inputs_is_what_an_output_loses_without_a_weight() -> None:
    # Without w_ij, output j changes by x_i w_ij: its squared error is ‖x_i‖² w_ij².
    generator = np.random.default_rng(2)
    weights, rows = generator.normal(size=(4, 3)), generator.normal(size=(9, 4))
    scores = weights_and_inputs(weights, np.linalg.norm(rows, axis=0))
    for place in np.ndindex(weights.shape):
        without = weights.copy()
        without[place] = 0
        assert scores[place] ** 2 == pytest.approx(((rows @ (weights - without)) ** 2).sum())


def test_weights_and_inputs_refuses_norms_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="input_norms"):
        weights_and_inputs(np.ones((4, 3)), np.ones(3))
    with pytest.raises(ValueError, match="input_norms"):
        weights_and_inputs(np.ones((4, 3)), -np.ones(4))
